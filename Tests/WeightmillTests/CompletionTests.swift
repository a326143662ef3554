import Foundation
import Testing

/// What the shell offers: completion scripts come from the same declarations as the help.
struct CompletionTests {
  /// The arguments of a command and of those below it, as `--experimental-dump-help` tells them.
  private func arguments(_ command: [String: Any]) -> [(command: String, argument: [String: Any])] {
    let name = command["commandName"] as? String ?? ""
    let own = (command["arguments"] as? [[String: Any]] ?? []).map { (name, $0) }
    return own + (command["subcommands"] as? [[String: Any]] ?? []).flatMap(arguments)
  }

  @Test func everyNameThatTheHelpListsIsCompleted() throws {
    let help = try CommandLineTool.run("--experimental-dump-help")
    let root = try #require(help.json?["command"] as? [String: Any])
    let listed = arguments(root).filter { $0.argument["allValues"] != nil }
    #expect(listed.count >= 8)
    for (command, argument) in listed {
      let kind = argument["completionKind"] as? [String: Any]
      let list = kind?["list"] as? [String: Any]
      let name = argument["valueName"] as? String ?? ""
      #expect(
        list?["values"] as? [String] == argument["allValues"] as? [String], "\(command) \(name)")
    }
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func everyShellHasAScript(_ shell: String) throws {
    let script = try CommandLineTool.run("--generate-completion-script", shell)
    #expect(script.code == 0)
    #expect(script.output.contains("q4_k_m") && script.output.contains("zero-pad"))
  }
}
