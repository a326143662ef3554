import Foundation
import Testing
import WeightmillTestSupport

/// Options that are given twice: both count, or it is an error, or it is a setting.
struct RepeatedOptionTests {
  /// Settings and limits: a script's own come first, and the user's are appended.
  private static let settings: Set<String> = [
    "attribute-by", "attribute-tokens", "calibration-context", "calibration-tokens",
    "chat-template", "chunks", "context", "count", "delta-kind",
    "encoder",
    "format", "from-chunk", "like", "max-kld", "max-kld-p99", "max-nmse", "max-ppl-ratio",
    "max-regression",
    "max-shard-size", "max-size", "max-tensors", "files", "memory", "min-top1", "n", "name",
    "output-tensor-type", "pre", "relative-tolerance", "sample", "save-every", "seed",
    "split-files",
    "split-max-size", "split-max-tensors", "temperature", "threads", "target-bpw", "target-size",
    "token-embedding-type", "tolerance", "top-k", "tokens", "top-p", "type", "types",
  ]

  @Test func everyFileAndTextThatIsGivenTwiceCountsOrIsRefused() throws {
    let help = try CommandLineTool.run("--experimental-dump-help").json?["command"]
    let commands = try #require((help as? [String: Any])?["subcommands"] as? [[String: Any]])
    var refused: Set<String> = []
    for command in commands {
      let name = try #require(command["commandName"] as? String)
      for option in command["arguments"] as? [[String: Any]] ?? [] {
        guard option["kind"] as? String == "option", option["isRepeating"] as? Bool == false else {
          continue
        }
        let names = (option["names"] as? [[String: Any]] ?? []).compactMap { name -> String? in
          (name["name"] as? String).map { $0.count == 1 ? "-" + $0 : "--" + $0 }
        }
        let first = try #require(names.first)
        guard !Self.settings.contains(String(first.drop { $0 == "-" })) else {
          let kinds = (option["completionKind"] as? [String: Any])?.keys.first ?? ""
          #expect(kinds != "file" && kinds != "directory", "\(name) \(first) names a file")
          continue
        }
        refused.insert(first)
        // Under both names, in both forms.
        for pair in [[first, "1", names[names.count - 1], "2"], [first + "=1", first, "2"]] {
          let result = try CommandLineTool.run([name] + pair)
          #expect(result.code == 64, "\(name) \(pair)")
          #expect(result.error.contains("is given twice"), "\(name) \(pair): \(result.error)")
        }
      }
    }
    #expect(refused.count >= 15)
  }

  @Test func whatFollowsTwoDashesIsNoOption() throws {
    let result = try CommandLineTool.run(
      "tokenize", "fixtures/mini-ziya/base-meta", "--no-bos", "--json", "--", "--key --key")
    #expect(result.code == 0, "\(result.error)")
    // Values are none either.
    let two = try CommandLineTool.run(
      "tokenize", "fixtures/mini-ziya/base-meta", "--", "-p", "-p")
    #expect(!two.error.contains("twice"))
  }

  @Test func settingsMayBeOverridden() throws {
    let result = try CommandLineTool.run(
      "tokenize", "fixtures/mini-ziya/base-meta", "Hello", "--threads", "1", "--threads", "2")
    #expect(result.code == 0, "\(result.error)")
  }
}
