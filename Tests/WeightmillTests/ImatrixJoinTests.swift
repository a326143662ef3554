import Foundation
import Testing
import WeightmillTestSupport

/// `weightmill imatrix` on files that are there already, and on runs that were stopped.
struct ImatrixJoinTests {
  private static let text = "fixtures/imatrix/text.txt"
  private static let model = [
    "fixtures/mini-ziya/base-meta", "--delta", "fixtures/mini-ziya/delta",
  ]
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @discardableResult
  private func learn(_ name: String, _ more: String...) throws -> CommandLineTool.Result {
    let result = try CommandLineTool.run(
      ["imatrix"] + Self.model + ["--output", folder(name), "--context", "48", "--text", Self.text]
        + more)
    #expect(result.code == 0, "\(result.error)")
    return result
  }

  /// Windows in two runs, joined in either way, are windows in one: sums are rounded to binary32 in each file.
  @Test func partsOfATextAreJoined() throws {
    try learn("first.gguf", "--chunks", "1", "--means")
    try learn("rest.gguf", "--from-chunk", "1", "--means")
    try learn("whole.gguf", "--means")
    let joined = try CommandLineTool.run(
      "imatrix", "--in-file", folder("first.gguf"), "--in-file", folder("rest.gguf"), "--output",
      folder("joined.gguf"), "--json")
    #expect(joined.code == 0, "\(joined.error)")
    #expect(joined.json?["windows"] as? Int == 4)
    #expect(joined.json?["matrices"] as? Int == 29)
    // A run that goes on from a file adds to it.
    let added = try learn(
      "added.gguf", "--from-chunk", "1", "--means", "--in-file", folder("first.gguf"))
    #expect(added.output.contains("from 3 windows of 48 tokens and 1 file"))
    #expect(try Fixtures.bytes(folder("added.gguf")) == Fixtures.bytes(folder("joined.gguf")))
    for name in ["joined.gguf", "whole.gguf"] {
      let result = try CommandLineTool.run(
        "imatrix", "--show-statistics", folder(name), "--json")
      #expect(result.json?["chunks"] as? Int == 4)
    }
    let (ours, theirs) = try (
      statistics("joined.gguf", "sum"), statistics("whole.gguf", "sum")
    )
    #expect(ours.count == 29)
    for (sum, other) in zip(ours, theirs) { #expect(abs(sum - other) <= 1e-6 * other) }
  }

  private func statistics(_ name: String, _ key: String) throws -> [Double] {
    let result = try CommandLineTool.run("imatrix", "--show-statistics", folder(name), "--json")
    let tensors = try #require(result.json?["tensors"] as? [[String: Any]])
    return tensors.compactMap { $0[key] as? Double }
  }

  @Test func statisticsAreShown() throws {
    let file = "fixtures/imatrix/llama.gguf"
    let result = try CommandLineTool.run("imatrix", "--show-statistics", file)
    #expect(result.code == 0, "\(result.error)")
    let lines = result.output.split(separator: "\n").map(String.init)
    #expect(lines[0] == "\(file): 29 tensors, 4 chunks of 48 tokens")
    #expect(lines[1].contains("Σ(Act²)") && lines[1].contains("CosSim"))
    #expect(!lines[1].contains("mean²"))
    #expect(lines.count == 1 + 30 + 5)
    let old = try CommandLineTool.run(
      "imatrix", "--show-statistics", "fixtures/imatrix/llama.dat", "--json")
    #expect((old.json?["tensors"] as? [Any])?.count == 29)
    #expect((old.json?["layers"] as? [Any])?.count == 4)
    try learn("means.gguf", "--means")
    let means = try CommandLineTool.run("imatrix", "--show-statistics", folder("means.gguf"))
    #expect(means.output.contains("mean²"))
    #expect(try statistics("means.gguf", "meanShare").allSatisfy { (0...1).contains($0) })
    // What is quantized by them does not change.
    try learn("plain.gguf")
    let model = folder("model.gguf")
    #expect(
      try CommandLineTool.run(["convert"] + Self.model + ["--output", model]).code == 0)
    for name in ["means", "plain"] {
      let result = try CommandLineTool.run(
        "quantize", model, folder("q-\(name).gguf"), "q4_k_m", "--imatrix",
        folder("\(name).gguf"), "--override-kv", "quantize.imatrix.file=str:x")
      #expect(result.code == 0, "\(result.error)")
    }
    #expect(try Fixtures.bytes(folder("q-means.gguf")) == Fixtures.bytes(folder("q-plain.gguf")))
  }

  @Test func perplexityIsSaidUnlessItIsNotWanted() throws {
    let with = try learn("a.gguf", "--json")
    let perplexity = try #require(with.json?["perplexity"] as? Double)
    #expect(perplexity > 1)
    #expect(with.json?["perplexityTokens"] as? Int == 4 * 23)
    #expect(try #require(with.json?["perplexityError"] as? Double) > 0)
    let without = try learn("b.gguf", "--no-ppl")
    #expect(!without.output.contains("perplexity"))
    #expect(try Fixtures.bytes(folder("a.gguf")) == Fixtures.bytes(folder("b.gguf")))
  }

  @Test func controlTokensAreReadIfAskedFor() throws {
    let text = try folder.write(
      String(repeating: "<human>:Hi\n<bot>:Hello</s>", count: 40).utf8, to: "chat.txt")
    func tokens(_ more: String...) throws -> Int {
      let result = try CommandLineTool.run(
        ["imatrix"] + Self.model
          + ["--text", text, "--context", "16", "--output", folder("x.gguf"), "--force", "--json"]
          + more)
      #expect(result.code == 0, "\(result.error)")
      let read = try #require(result.json?["tokens"] as? Int)
      return read + (result.json?["leftOut"] as? Int ?? 0)
    }
    #expect(try tokens("--parse-special") < tokens())
  }

  /// A state that a stopped run left, and what is said of it. How one is kept: `CollectionStateTests`.
  @Test func aStateIsContinuedAndRemoved() throws {
    try learn("whole.gguf", "--means")
    let fresh = try learn("a.gguf", "--resume", "--means")
    #expect(fresh.error.contains("there was nothing to continue"))
    #expect(try Fixtures.bytes(folder("a.gguf")) == Fixtures.bytes(folder("whole.gguf")))
    try folder.write("GGUF".utf8, to: "a.gguf.state")
    let ignored = try learn("a.gguf", "--force")
    #expect(ignored.error.contains("a.gguf.state; --resume continues it, or remove it"))
    #expect(try folder.names().contains("a.gguf.state"))
    let broken = try CommandLineTool.run(
      ["imatrix"] + Self.model
        + [
          "--text", Self.text, "--context", "48", "--output", folder("a.gguf"), "--resume",
          "--force",
        ])
    #expect(broken.code == 65)
    try FileManager.default.removeItem(atPath: folder("a.gguf.state"))
    // Finished runs leave nothing.
    try learn("c.gguf", "--save-every", "1")
    #expect(try folder.names() == ["a.gguf", "c.gguf", "whole.gguf"])
  }

  @Test(arguments: [
    (["--in-file", "fixtures/imatrix/llama.gguf", "--output", "x"], 64, "two files or more"),
    (["--output", "x"], 64, "give the model that learns, or join"),
    ([], 64, "files to join with --in-file, or --show-statistics"),
    (model, 64, "say with --output what to write"),
    (model + ["--output", "x"], 64, "give a text with --text"),
    (["--show-statistics", "fixtures/imatrix/llama.gguf", "--output", "x"], 64, "nothing else"),
    (["--show-statistics", "fixtures/imatrix/text.txt"], 65, "is no importance matrix"),
    (["--show-statistics", "fixtures/imatrix/nothing"], 66, "no such file"),
    (
      [
        "--in-file", "fixtures/imatrix/llama.gguf", "--in-file", "fixtures/imatrix/llama.dat",
        "--output", "x",
      ], 78, "join files of the old form only"
    ),
    (
      [
        "--in-file", "fixtures/imatrix/llama.gguf", "--in-file", "fixtures/imatrix/llama.gguf",
        "--output", "fixtures/imatrix/llama.gguf", "--force",
      ], 73, "is an input"
    ),
    (
      model + ["--output", "x", "--text", text, "--from-chunk", "9999"], 78, "do not fill a window"
    ),
    (model + ["--output", "x", "--text", text, "--save-every", "0"], 64, "--save-every"),
    (
      ["--in-file", "a", "--in-file", "b", "--output", "x", "--delta", "fixtures/mini-ziya/delta"],
      64, "join importance matrices with --in-file alone"
    ),
  ])
  func whatDoesNotGoTogetherGetsOneLine(arguments: [String], code: Int, part: String) throws {
    let result = try CommandLineTool.run(
      ["imatrix"] + arguments.map { $0 == "x" ? folder("x") : $0 })
    #expect(result.code == Int32(code), "\(result.error)")
    #expect(result.error.contains(part), "\(result.error)")
    #expect(try folder.names() == [])
  }
}
