import Foundation
import Testing
import WeightmillTestSupport

/// What a command says on standard output arrives, or the command fails.
struct StandardOutputTests {
  private static let base = "fixtures/mini-ziya/base-hf"
  private let folder: TemporaryFolder
  private let model: String

  init() throws {
    folder = try TemporaryFolder()
    model = folder("model.gguf")
    let result = try CommandLineTool.run("convert", Self.base, "--output", model)
    #expect(result.code == 0, "\(result.error)")
  }

  /// Runs a command with a standard output of the shell's making, which gets no answer.
  private func run(
    _ arguments: [String], _ redirection: String, program: String = CommandLineTool.path
  ) throws -> (code: Int32, error: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments =
      ["-c", "\"$0\" \"$@\" \(redirection)", program] + arguments
    process.currentDirectoryURL = URL(fileURLWithPath: Fixtures.package)
    let error = try folder.write([], to: "err")
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: error))
    try process.run()
    process.waitUntilExit()
    return (
      process.terminationStatus, String(decoding: try Fixtures.bytes(error), as: UTF8.self)
    )
  }

  /// Every command in every form of its output.
  private func commands() throws -> [[String]] {
    let text = ["--text", "fixtures/imatrix/text.txt", "--context", "64"]
    let few = ["--sample", "64", "--types", "q4_k", "--force", "--output"]
    let measure = ["sensitivity", model] + text + few + [folder("sensitivity.json")]
    let verify = ["verify-logits", model, "--reference", model, "--prompt", "Deep learning is"]
    let digests = try CommandLineTool.run("hash", model, "--json").output
    let check = try folder.write(digests.utf8, to: "digests.json")
    let split = ["split", model, folder("two"), "--files", "2", "--force"]
    #expect(try CommandLineTool.run(split).code == 0)
    let written = ["--force", "--output", folder("written.gguf")]
    return [
      ["convert", Self.base] + written, ["convert", Self.base, "--json"] + written,
      ["convert", Self.base, "--dry-run"] + written,
      ["convert", Self.base, "--dry-run", "--json"] + written,
      [
        "merge", "--base", "fixtures/mini-ziya/base-meta", "--delta", "fixtures/mini-ziya/delta",
        "--target", folder("merged"), "--force",
      ],
      ["quantize", model, folder("q.gguf"), "q4_0", "--force"],
      ["split", model, folder("parts"), "--files", "2", "--force"],
      ["join", folder("two-00001-of-00002.gguf"), folder("joined.gguf"), "--force"],
      ["imatrix", model] + text + ["--force", "--output", folder("imatrix.gguf")],
      ["imatrix", model] + text + ["--force", "--json", "--output", folder("imatrix.gguf")],
      measure, measure + ["--json"],
      verify, verify + ["--json"], verify + ["--html", "-"], verify + ["--markdown", "-"],
      ["compare", model, Self.base], ["compare", model, Self.base, "--json"],
      ["inspect", model], ["inspect", model, "--json"], ["inspect", model, "--provenance"],
      ["inspect", model, "--provenance", "--json"], ["inspect", model, "--all"],
      ["inspect", model, "--markdown"], ["inspect", model, "--markdown", "--json"],
      ["inspect", model, model], ["inspect", model, model, "--json"],
      ["metadata", model], ["metadata", model, "--json"],
      ["metadata", model, "--get", "general.name"],
      ["metadata", model, "--get", "general.name", "--json"],
      ["metadata", model, "--set", "general.name=Other", "--dry-run", "--force"],
      ["hash", model], ["hash", model, "--json"], ["hash", model, "--check", check],
      ["tokenize", model, "Hello"], ["tokenize", model, "Hello", "--json"],
      ["generate", model, "--prompt", "Hello", "-n", "2"],
      ["generate", model, "--prompt", "Hello", "-n", "2", "--json"],
      ["doctor"], ["doctor", "--json"], ["doctor", model], ["doctor", model, "--json"],
    ]
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
  func everyCommandFailsWhenItsOutputIsLost() throws {
    let commands = try commands()
    for command in commands {
      let result = try run(command, "> /dev/full")
      #expect(result.code == 74, "\(command): \(result)")
      let lines = result.error.split(separator: "\n").filter { !$0.contains(": note: ") }
      #expect(lines.count == 1, "\(command): \(result.error)")
      #expect(
        lines.last?.hasPrefix("weightmill: standard output: cannot be written: ") == true,
        "\(command): \(result.error)")
    }
    // None is forgotten.
    let help = try CommandLineTool.run("--experimental-dump-help").json?["command"]
    let all = try #require((help as? [String: Any])?["subcommands"] as? [[String: Any]])
    let names = Set(all.compactMap { $0["commandName"] as? String }).subtracting(["help"])
    #expect(names.count >= 14)
    #expect(names == Set(commands.compactMap(\.first)))
    // What was asked for besides is there.
    for name in [
      "written.gguf", "q.gguf", "joined.gguf", "imatrix.gguf", "sensitivity.json", "merged",
    ] {
      #expect(try folder.names().contains(name))
    }
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
  func whatTheArgumentParserSaysIsNotLostEither() throws {
    var calls = [
      [], ["--help"], ["--version"], ["help", "convert"], ["--experimental-dump-help"],
    ]
    calls += ["bash", "zsh", "fish"].map { ["--generate-completion-script", $0] }
    for name in Set(try commands().compactMap(\.first)) { calls.append([name, "--help"]) }
    for call in calls { #expect(try run(call, "> /dev/full").code == 74, "\(call)") }
  }

  @Test func aClosedStandardOutputIsAnError() throws {
    for call in [["--version"], ["inspect", model], ["hash", model, "--json"]] {
      let result = try run(call, ">&-")
      #expect(result.code == 74, "\(call): \(result)")
      #expect(result.error.contains("leave standard output open"), "\(result.error)")
    }
  }

  /// The system writes what still fits; the rest is an error all the same.
  @Test func outputThatIsCutShortIsAnError() throws {
    let script = ["--generate-completion-script", "bash"]
    #expect(try CommandLineTool.run(script).output.utf8.count > 4096)
    let file = folder("short")
    for call in [script, ["inspect", model, "--json"]] {
      let process = try run(
        ["-c", "ulimit -f 1; exec \"$0\" \"$@\""] + [CommandLineTool.path] + call,
        "> '\(file)'", program: "/bin/sh")
      #expect(process.code == 74, "\(process)")
      #expect(process.error.contains("free some space"), "\(process.error)")
      #expect((1...1024).contains(try Fixtures.bytes(file).count))
    }
  }

  /// As cat and grep do: the reader has had what it wanted. Whether the caller ignores SIGPIPE or not.
  @Test(arguments: ["", "trap '' PIPE; "]) func aReaderThatLeavesIsNoError(before: String) throws {
    for call in [
      ["inspect", model, "--json"], ["--help"], ["hash", model],
      ["generate", model, "--prompt", "Hello", "-n", "2"],
    ] {
      // The pipe is closed before anything is written; what ended the command is the shell's answer.
      let status = folder("status")
      let program = [
        "-c", "\(before){ sleep 0.3; \"$0\" \"$@\"; echo $? > '\(status)'; } | true",
        CommandLineTool.path,
      ]
      let result = try run(program + call, "", program: "/bin/sh")
      #expect(result.error.isEmpty, "\(call): \(result.error)")
      #expect(String(decoding: try Fixtures.bytes(status), as: UTF8.self) == "141\n", "\(call)")
    }
  }

  /// Nobody reads the notes: the work is done all the same.
  @Test func aClosedStandardErrorStopsNothing() throws {
    let output = folder("x.gguf")
    let program = [
      "-c", "{ sleep 0.3; exec \"$0\" \"$@\" 2>&1 >/dev/null; } | true", CommandLineTool.path,
    ]
    // A quantized file that is quantized again is worth a note.
    _ = try run(program + ["quantize", model, output, "q4_1"], "", program: "/bin/sh")
    #expect(try folder.names().contains("x.gguf"))
    #expect(try folder.names().allSatisfy { !$0.hasPrefix(".") })
  }

  /// `print` says nothing about bytes that are lost, so nobody calls it.
  @Test func nobodyElseWritesToStandardOutput() throws {
    let sources = Fixtures.package + "/Sources"
    let files = try #require(FileManager.default.enumerator(atPath: sources))
    let call = try Regex(
      #"(^|[^.\w])print\(|Swift\.print|\b(debugPrint|dump|puts|putchar|fwrite|printf)\("#
        + #"|\bstdout\b|STDOUT_FILENO"#)
    var writers: Set<String> = []
    for case let name as String in files where name.hasSuffix(".swift") {
      let text = String(decoding: try Fixtures.bytes("\(sources)/\(name)"), as: UTF8.self)
      for line in text.split(separator: "\n") where line.contains(call) {
        guard !line.contains("func print("), !line.drop(while: { $0 == " " }).hasPrefix("///")
        else { continue }
        writers.insert(name)
      }
    }
    #expect(
      writers == [
        "weightmill/Terminal/StandardOutput.swift", "weightmill/Terminal/Terminal.swift",
      ])
  }
}
