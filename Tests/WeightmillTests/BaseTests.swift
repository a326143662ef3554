import Foundation
import Testing
import WeightmillTensors
import WeightmillTestSupport

/// `convert --delta` asks whether the base is the right one, and leaves nothing if it is not.
struct BaseTests {
  private static let base = "fixtures/mini-ziya/base-meta"
  private static let delta = "fixtures/mini-ziya/delta"
  private static let weights = [
    "base-meta/consolidated.00.pth", "base-meta/consolidated.01.pth",
    "delta/pytorch_model-00001-of-00003.bin", "delta/pytorch_model-00002-of-00003.bin",
    "delta/pytorch_model-00003-of-00003.bin",
  ]
  private let folder: TemporaryFolder
  private let inputs: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    inputs = try TemporaryFolder()
  }

  private func convert(_ base: String, _ delta: String, _ more: [String] = []) throws
    -> CommandLineTool.Result
  {
    try CommandLineTool.run(
      ["convert", base, "--delta", delta, "--output", folder("x.gguf")] + more)
  }

  private func expectFailure(
    _ code: Int32, _ part: String, _ result: CommandLineTool.Result,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(result.code == code, "\(result.error)", sourceLocation: sourceLocation)
    #expect(result.output.isEmpty, sourceLocation: sourceLocation)
    let lines = result.error.split(separator: "\n").filter { !$0.hasPrefix("weightmill: note: ") }
    #expect(lines.count == 1, "\(result.error)", sourceLocation: sourceLocation)
    #expect(lines.first?.contains(part) == true, "\(lines)", sourceLocation: sourceLocation)
    #expect(try folder.names() == [], sourceLocation: sourceLocation)
  }

  /// A list as sha256sum prints it.
  private func list(_ files: [String], name: (String) -> String = { $0 }) throws -> String {
    let lines = try files.map { file in
      "\(sha256(try Fixtures.bytes(Fixtures.miniZiya(file))))  \(name(file))\n"
    }
    return try inputs.write(lines.joined().utf8, to: "SHA256SUMS")
  }

  @Test func filesOfAListAreReportedByName() throws {
    let sums = try list(Self.weights) { "mini/" + $0 }
    let result = try convert(
      Self.base, Self.delta, ["--known", sums, "--require-known", "--json"])
    #expect(result.code == 0, "\(result.error)")
    for file in Self.weights {
      let note = "fixtures/mini-ziya/\(file) is \"mini/\(file)\" of \(sums) (SHA-256 listed)"
      #expect(result.error.contains("weightmill: note: \(note)\n"))
      #expect((result.json?["notes"] as? [String])?.contains(note) == true)
    }
    #expect((result.json?["notes"] as? [String])?.contains { $0.hasPrefix("evidence") } == true)
  }

  @Test func aFileThatIsNotKnownIsRefusedOnRequest() throws {
    let hash = sha256(try Fixtures.bytes(Fixtures.miniZiya(Self.weights[4])))
    let sums = try list(Array(Self.weights.dropLast()))
    try expectFailure(
      78, "00003-of-00003.bin: is not a known file (SHA-256 \(hash))",
      convert(Self.base, Self.delta, ["--require-known", "--known", sums]))
    try expectFailure(
      78, "consolidated.00.pth: is not a known file, nor are 4 more",
      convert(Self.base, Self.delta, ["--require-known"]))
    let result = try convert(Self.base, Self.delta, ["--known", sums])
    #expect(result.code == 0, "\(result.error)")
  }

  @Test func aFolderIsNotWrittenFromUnknownFiles() throws {
    let arguments = [
      "merge", "--base", Self.base, "--delta", Self.delta, "--target", folder("merged"),
      "--require-known",
    ]
    try expectFailure(78, "is not a known file", CommandLineTool.run(arguments))
    let result = try CommandLineTool.run(arguments + ["--known", try list(Self.weights)])
    #expect(result.code == 0, "\(result.error)")
    #expect(try folder.names() == ["merged"])
  }

  @Test func aVisionModelsDeltaMakesALanguageModel() throws {
    let deltas = "fixtures/deltas"
    let result = try CommandLineTool.run(
      "merge", "--base", "\(deltas)/base", "--delta", "\(deltas)/submatrix", "--target",
      folder("merged"))
    #expect(result.code == 0, "\(result.error)")
    #expect(result.error.contains("note: left out, being of a vision part"))
    let config = try Fixtures.json(folder("merged/config.json")) as? [String: Any]
    #expect(config?["model_type"] as? String == "llama")
    let other = try CommandLineTool.run("hash", folder("merged"))
    #expect(other.output.split(separator: "\n").count == 21)
  }

  @Test(arguments: [
    ("", "holds no hashes"), ("# only this\n", "holds no hashes"),
    ("0123  name\n", "line 1"), ("<html>", "web page"),
    (String(repeating: "g", count: 64) + "  name\n", "line 1"),
    ("\n" + String(repeating: "a", count: 64) + "name\n", "line 2"),
    (String(repeating: "a", count: 64) + "  \n", "line 1"),
  ])
  func aListThatIsNone(text: String, part: String) throws {
    let path = try inputs.write(text.utf8, to: "list")
    let result = try convert(Self.base, Self.delta, ["--known", path])
    try expectFailure(65, text.isEmpty ? "is empty" : part, result)
  }

  @Test func listsMayHaveStarsUpperCaseAndLineEndsOfWindows() throws {
    let hash = sha256(try Fixtures.bytes(Fixtures.miniZiya(Self.weights[0]))).uppercased()
    let path = try inputs.write("\(hash) *first part\r\n# done\r\n".utf8, to: "list")
    let result = try convert(Self.base, Self.delta, ["--known", path])
    #expect(result.error.contains(#"is "first part" of"#), "\(result.error)")
  }

  @Test(arguments: [
    ["--no-hash", "--require-known"], ["--no-hash", "--known", "x"], ["--expect-sum", "nan"],
  ])
  func optionsThatContradictEachOther(options: [String]) throws {
    try expectFailure(64, "--help`", convert(Self.base, Self.delta, options))
  }

  @Test func forcingNothingIsWrongUsage() throws {
    let result = try CommandLineTool.run(
      "convert", Self.base, "--output", folder("x.gguf"), "--force-base")
    try expectFailure(64, "goes with --delta", result)
  }

  /// The content of Meta's params.json for 13B is known, and hashes to what was published.
  @Test func publishedFilesAreReportedByName() throws {
    let base = try SmallModel().write(to: inputs, "base")
    let params =
      #"{"dim": 5120, "multiple_of": 256, "n_heads": 40, "n_layers": 40, "norm_eps": 1e-06, "#
      + #""vocab_size": -1}"#
    try inputs.write(params.utf8, to: "base/params.json")
    let result = try convert(base, SmallModel(isDelta: true).write(to: inputs, "delta"))
    #expect(result.code == 0, "\(result.error)")
    #expect(
      result.error.contains(
        "note: \(base)/params.json is Meta LLaMA 13B's params.json (SHA-256 known)\n"))
  }

  @Test func theTokenizerIsKnownAtOnceAndUnknownOnesAreNotNamed() throws {
    let sums = try list(["delta/tokenizer.model"])
    let result = try convert(Self.base, Self.delta, ["--known", sums])
    #expect(result.error.contains("tokenizer.model\" of"), "\(result.error)")
  }

  /// A model of differences, and a base that it was not made for.
  private func strangers() throws -> (base: String, delta: String) {
    var delta = SmallModel(isDelta: true)
    delta.isAdditive = true
    return (
      try SmallModel(seed: 2).write(to: inputs, "base"), try delta.write(to: inputs, "delta")
    )
  }

  @Test func theWrongBaseIsRefusedUnlessForced() throws {
    let (base, delta) = try strangers()
    try expectFailure(78, "is another model than the delta was made for", convert(base, delta))
    let result = try convert(base, delta, ["--force-base"])
    #expect(result.code == 0, "\(result.error)")
    #expect(result.error.contains("note: merged all the same: \(base)"))
    #expect(try folder.names() == ["x.gguf"])
  }

  @Test func theSumIsReportedAndCanBeRequired() throws {
    var model = SmallModel(rows: 302, type: .f32, isDelta: true)
    model.isAdditive = true
    let base = try SmallModel().write(to: inputs, "base")
    let delta = try model.write(to: inputs, "delta")
    try expectFailure(
      78, "not to 50637.1836", convert(base, delta, ["--expect-sum", "50637.1836"]))
    var sums: Set<String> = []
    for (threads, type) in [("1", "f16"), ("3", "q8_0")] {
      let result = try convert(
        base, delta, ["--threads", threads, "--type", type, "--force", "--json"])
      #expect(result.code == 0, "\(result.error)")
      let notes = try #require(result.json?["notes"] as? [String])
      #expect(notes.contains { $0.hasPrefix("delta kind mean-pad") })
      let note = try #require(notes.first { $0.hasPrefix("sum of all values ") })
      sums.insert(String(note.dropFirst("sum of all values ".count)))
    }
    #expect(sums.count == 1)
    let sum = try #require(sums.first)
    let result = try convert(base, delta, ["--expect-sum", sum, "--force"])
    #expect(result.code == 0, "\(result.error)")
    #expect(result.error.contains("the values add up to \(sum), as expected"))
    let forced = try convert(base, delta, ["--expect-sum", "1", "--force", "--force-base"])
    #expect(forced.code == 0)
    #expect(forced.error.contains("adds up to \(sum), not to 1.0000"))
  }

  @Test func onlyF32DeltasHaveASum() throws {
    try expectFailure(64, "--expect-sum", convert(Self.base, Self.delta, ["--expect-sum", "1"]))
  }

  @Test func aDryRunHashesNothing() throws {
    let result = try convert(Self.base, Self.delta, ["--require-known", "--dry-run"])
    #expect(result.code == 0, "\(result.error)")
    #expect(try folder.names() == [])
  }
}
