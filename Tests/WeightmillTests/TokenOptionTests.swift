import Foundation
import Testing
import WeightmillTestSupport

/// `verify-logits --tokens`: ids that are given are the ids that are judged.
struct TokenOptionTests {
  private let folder: TemporaryFolder
  private let reference: String
  private let candidate: String

  init() throws {
    folder = try TemporaryFolder()
    (reference, candidate) = (folder("f16.gguf"), folder("q4_0.gguf"))
    let made = try CommandLineTool.run(
      "convert", "fixtures/mini-ziya/base-hf", "--output", reference)
    #expect(made.code == 0, "\(made.error)")
    #expect(try CommandLineTool.run("quantize", reference, candidate, "q4_0").code == 0)
  }

  private func ids(_ json: String, _ name: String) throws -> String {
    try folder.write(json.utf8, to: name)
  }

  private func verify(_ arguments: String...) throws -> CommandLineTool.Result {
    try CommandLineTool.run(["verify-logits", candidate, "--reference", reference] + arguments)
  }

  private func divergence(_ report: [String: Any]?) throws -> Double {
    try #require((report?["divergence"] as? [String: Any])?["mean"] as? Double)
  }

  /// A tensor of integers of a safetensors file, read without Weightmill.
  private func integers(_ name: String, of path: String) throws -> [Int] {
    let data = Data(try Fixtures.bytes(path))
    let size = data.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
    let header = try JSONSerialization.jsonObject(with: Data(data[8..<8 + size]))
    let tensor = (header as? [String: Any])?[name] as? [String: Any]
    let range = try #require(tensor?["data_offsets"] as? [Int]).map { 8 + size + $0 }
    return stride(from: range[0], to: range[1], by: 4).map { at in
      (0..<4).reduce(0) { $0 | Int(data[at + $1]) << (8 * $1) }
    }
  }

  @Test func everyIdIsJudgedAsItIsGiven() throws {
    // No BOS (1) at the front, one in the middle, and a last id that is a window by itself.
    let given = [300, 7, 8, 1, 1999, 0, 42, 43, 44]
    let file = try ids("\(given)", "ids.json")
    let saved = folder("logits.safetensors")
    let result = try CommandLineTool.run([
      "verify-logits", reference, "--tokens", file, "--context", "4", "--save-logits", saved,
    ])
    #expect(result.code == 0, "\(result.error)")
    #expect(try integers("tokens", of: saved) == given)
    // Text, tokens, first and last judged position of each window.
    #expect(try integers("windows", of: saved) == [0, 4, 0, 4, 0, 4, 0, 4, 0, 1, 0, 1])
    #expect(
      result.error.contains("3 of 3 windows of ids do not begin with BOS (id 1)"),
      "\(result.error)")
    let later = try CommandLineTool.run([
      "verify-logits", candidate, "--reference", saved, "--tokens", file, "--context", "4",
      "--json",
    ])
    let direct = try verify("--tokens", file, "--context", "4", "--json")
    #expect(
      try divergence(later.json?["total"] as? [String: Any])
        == divergence(direct.json?["total"] as? [String: Any]))
  }

  @Test func theFirstIdCounts() throws {
    let other = try verify("--tokens", ids("[300, 7, 8]", "a.json"), "--json")
    let bos = try verify("--tokens", ids("[1, 7, 8]", "b.json"), "--json")
    #expect(
      try divergence(other.json?["total"] as? [String: Any])
        != divergence(bos.json?["total"] as? [String: Any]))
    #expect(other.error.contains("do not begin with BOS"))
    #expect(!bos.error.contains("BOS"), "\(bos.error)")
  }

  @Test func severalFilesAreReportedOneByOneAndTogether() throws {
    let one = try ids("[1, 300, 301, 302]", "one.json")
    let two = try ids("[[1, 400, 401], [1, 500]]", "two.json")
    let result = try verify("--tokens", one, "--tokens", two, "--json")
    let texts = try #require(result.json?["texts"] as? [[String: Any]], "\(result.error)")
    try #require(texts.compactMap { $0["name"] as? String } == [one, two + "#1", two + "#2"])
    #expect(texts.compactMap { $0["tokens"] as? Int } == [4, 3, 2])
    let alone = try verify("--tokens", one, "--json")
    let total = try #require(alone.json?["total"] as? [String: Any])
    let first = try #require(texts[0]["statistics"] as? [String: Any], "\(texts[0].keys)")
    #expect(try divergence(first) == divergence(total))
    // The mean over all positions is that of the texts' means, by their numbers of positions.
    let means = try texts.map { try divergence($0["statistics"] as? [String: Any]) }
    let mean = (means[0] * 4 + means[1] * 3 + means[2] * 2) / 9
    let together = try divergence(result.json?["total"] as? [String: Any])
    #expect(abs(together - mean) < 1e-12 * max(1, abs(mean)))
  }

  @Test(arguments: [
    ("[-5, 7, 8]", 78, "holds the id -5, which the models do not know (position 0)"),
    ("[1, 7, 2000]", 78, "holds the id 2000, which the models do not know (position 2)"),
    (
      "[[1, 7], [1, -1]]", 78,
      "holds the id -1, which the models do not know (position 1 of list 2)"
    ),
    ("[7]", 78, "holds one id, of which"),
    ("[[1, 7], [5]]", 78, "holds one id of list 2, of which"),
    ("[1, 2.5]", 65, "neither a list of token ids"), ("[]", 65, "neither a list of token ids"),
    ("[1, 9223372036854775807]", 78, "do not know (position 1)"),
    ("[1, 99999999999999999999]", 65, "neither a list of token ids"),
  ])
  func eachIdIsChecked(json: String, code: Int32, part: String) throws {
    let good = try ids("[1, 7]", "good.json")
    let bad = try ids(json, "bad.json")
    for more in [["--tokens", bad], ["--tokens", good, "--tokens", bad]] {
      let result = try CommandLineTool.run(
        ["verify-logits", candidate, "--reference", reference] + more)
      #expect(result.code == code, "\(result.error)")
      #expect(result.error.contains("weightmill: \(bad): "), "\(result.error)")
      #expect(result.error.contains(part), "\(result.error)")
      #expect(result.output.isEmpty)
    }
  }

  @Test func filesOfIdsAndBaselinesAreInputs() throws {
    let file = try ids("[1, 7, 8]", "ids.json")
    let report = try verify("--tokens", file, "--json")
    let baseline = try folder.write(report.output.utf8, to: "baseline.json")
    for input in [file, baseline] {
      let result = try verify(
        "--tokens", file, "--baseline", baseline, "--max-regression", "5%", "--html", input,
        "--force")
      #expect(result.code == 73, "\(result.error)")
      #expect(result.error.contains("is an input"))
    }
  }
}
