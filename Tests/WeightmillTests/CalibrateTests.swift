import Foundation
import Testing
import WeightmillTestSupport

/// `--calibrate` of `quantize` and `convert`, as a user gives it.
struct CalibrateTests {
  private static let text = "fixtures/mini-ziya/expected/eval-en.txt"
  private static let model = [
    "fixtures/mini-ziya/base-meta", "--delta", "fixtures/mini-ziya/delta",
  ]
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func f16() throws -> String {
    let path = folder("f16.gguf")
    let result = try CommandLineTool.run(["convert"] + Self.model + ["--output", path])
    #expect(result.code == 0, "\(result.error)")
    return path
  }

  private func divergence(_ candidate: String, _ reference: String) throws -> Double {
    let result = try CommandLineTool.run(
      "verify-logits", candidate, "--reference", reference, "--text",
      "fixtures/mini-ziya/expected/eval-zh.txt", "--context", "256", "--json")
    #expect(result.code == 0, "\(result.error)")
    let total = try #require(result.json?["total"] as? [String: Any])
    return try #require((total["divergence"] as? [String: Any])?["mean"] as? Double)
  }

  /// Text in one language, judged by another: a fifth less at least.
  @Test func aFileLosesLessThanWithAnImatrix() throws {
    let f16 = try f16()
    let calibrated = try CommandLineTool.run(
      "quantize", f16, folder("c.gguf"), "q4_k_m", "--calibrate", Self.text,
      "--calibration-context", "256", "--save-imatrix", folder("imatrix.gguf"))
    #expect(calibrated.code == 0, "\(calibrated.error)")
    #expect(calibrated.error.contains("note: error feedback for 29 matrices in 4 layers, by "))
    #expect(calibrated.error.contains("% of that without feedback"))
    let plain = try CommandLineTool.run(
      "quantize", f16, folder("p.gguf"), "q4_k_m", "--imatrix", folder("imatrix.gguf"))
    #expect(plain.code == 0, "\(plain.error)")
    #expect(
      try Fixtures.bytes(folder("c.gguf")).count < Fixtures.bytes(folder("p.gguf")).count + 1024)
    let (with, without) = (
      try divergence(folder("c.gguf"), f16), try divergence(folder("p.gguf"), f16)
    )
    #expect(with < 0.8 * without, "\(with) with, \(without) without")
  }

  /// From a checkpoint in one command, by text that the merged model writes.
  @Test func aCheckpointIsCalibratedByItsOwnText() throws {
    let arguments =
      ["convert"] + Self.model
      + [
        "--type", "q4_k_m", "--calibrate", "self", "--calibration-tokens", "1024",
        "--calibration-context", "128", "--save-text", folder("self.json"), "--output",
      ]
    let first = try CommandLineTool.run(arguments + [folder("a.gguf"), "--json"])
    #expect(first.code == 0, "\(first.error)")
    let feedback = try #require(first.json?["feedback"] as? [String: Any])
    #expect(feedback["tokens"] as? Int == 896)
    #expect(feedback["judgedTokens"] as? Int == 128)
    #expect((feedback["matrices"] as? [Any])?.count == 29)
    let again = try CommandLineTool.run(
      "quantize", try f16(), folder("b.gguf"), "q4_k_m", "--calibration-ids", folder("self.json"),
      "--calibration-context", "128")
    #expect(again.code == 0, "\(again.error)")
    let same = try CommandLineTool.run("compare", folder("a.gguf"), folder("b.gguf"))
    #expect(same.code == 0, "\(same.output)")
  }

  @Test func aPlanSaysWhatItTakes() throws {
    let result = try CommandLineTool.run(
      "quantize", try f16(), folder("x.gguf"), "q4_k_m", "--calibrate", "self", "--dry-run")
    #expect(result.code == 0, "\(result.error)")
    #expect(result.error.contains("by 28,672 tokens, and 4,096 to judge by: "))
    #expect(result.error.contains("GFLOP/s"))
    #expect(result.output.contains("nothing was written"))
  }

  private func expect(
    _ code: Int32, _ part: String, _ arguments: [String],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let result = try CommandLineTool.run(arguments)
    #expect(result.code == code, "\(result.error)", sourceLocation: sourceLocation)
    #expect(result.output.isEmpty, sourceLocation: sourceLocation)
    #expect(result.error.contains(part), "\(result.error)", sourceLocation: sourceLocation)
  }

  @Test func whatMakesNoSenseIsRefused() throws {
    let file = try f16()
    let quantize = ["quantize", file, folder("x.gguf")]
    let with = ["--calibrate", Self.text]
    try expect(64, "--seed goes with --calibrate", quantize + ["q4_0", "--seed", "1"])
    try expect(
      64, "--seed goes with --calibrate self", quantize + ["q4_0", "--seed", "1"] + with)
    try expect(64, "copy keeps all types", quantize + ["copy"] + with)
    try expect(
      64, "--encoder compatible has no closed forms with --calibrate",
      quantize + ["q4_0", "--encoder", "compatible"] + with)
    try expect(
      64, "prune it in a step before", quantize + ["q4_0", "--prune-layers", "1"] + with)
    try expect(
      64, "given twice", quantize + ["q4_0", "--calibrate", "self", "--calibrate", "self"])
    try expect(
      64, "has no matrix that is to be rounded", quantize + ["f16"] + with)
    try expect(66, "no such file", quantize + ["q4_0", "--calibrate", folder("none.txt")])
    let little = try folder.write(Array("hello".utf8), to: "little.txt")
    try expect(78, "does not fill two windows of 512", quantize + ["q4_0", "--calibrate", little])
    let text = try folder.write(Array("hello".utf8), to: "imatrix.gguf")
    try expect(
      73, "exists already", quantize + ["q4_0", "--save-imatrix", text] + with)
    // Neither a draft nor a text is written over.
    let draft = try folder.write(Fixtures.bytes(file), to: "draft.gguf")
    try expect(
      73, "is an input",
      ["quantize", file, draft, "q4_0", "--calibrate", "self", "--draft", draft, "--force"])
    let convert = ["convert"] + Self.model + ["--output", folder("y.gguf")]
    try expect(64, "goes with a type of blocks", convert + with)
    try expect(64, "leave out --part", convert + ["--type", "q4_0", "--part", "1/2"] + with)
    try expect(
      64, "goes with --format gguf",
      ["convert"] + Self.model + ["--output", folder("z"), "--format", "safetensors"] + with)
  }
}
