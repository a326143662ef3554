import Foundation
import Testing
import WeightmillTestSupport

/// Commands that give a model text, on a folder whose only tokenizer is a `tokenizer.json`.
struct BytePairModelTests {
  private let folder: TemporaryFolder
  private let model: String

  init() throws {
    folder = try TemporaryFolder()
    model = try SmallModel(rows: 512).write(to: folder, "m")
    try FileManager.default.removeItem(atPath: "\(model)/tokenizer.model")
    try folder.copy("\(Fixtures.package)/fixtures/tokenizers/llama3.json", as: "m/tokenizer.json")
  }

  @Test func generateContinuesAText() throws {
    let options = ["--prompt", "你好, world", "--max-tokens", "20", "--seed", "3"]
    let report = try CommandLineTool.run(["generate", model, "--json"] + options)
    #expect(report.code == 0, "\(report.error)")
    let tokenized = try CommandLineTool.run("tokenize", model, "你好, world", "--json")
    #expect(report.json?["prompt"] as? [Int] == tokenized.json?["ids"] as? [Int])
    #expect((report.json?["prompt"] as? [Int])?.first == 500)
    let text = try CommandLineTool.run(["generate", model] + options)
    // Nothing that a terminal obeys is printed.
    let shown = (report.json?["text"] as? String ?? "?").unicodeScalars.map {
      $0.value < 0x20 && $0 != "\n" ? "\\u{\(String($0.value, radix: 16))}" : String($0)
    }
    #expect(text.output == "你好, world\(shown.joined())\n")
  }

  @Test func importanceIsLearnedFromText() throws {
    let text = try folder.write(
      String(repeating: "Deep learning. ", count: 40).utf8, to: "text.txt")
    let result = try CommandLineTool.run(
      "imatrix", model, "--text", text, "--context", "32", "--output", folder("x.gguf"), "--json")
    #expect(result.code == 0, "\(result.error)")
    let tokenized = try CommandLineTool.run(
      "tokenize", model, String(repeating: "Deep learning. ", count: 40), "--json")
    let ids = try #require(tokenized.json?["ids"] as? [Int])
    #expect(result.json?["windows"] as? Int == ids.count / 32)
    #expect(result.json?["leftOut"] as? Int == ids.count % 32)
  }

  @Test func modelsAreComparedOnText() throws {
    let result = try CommandLineTool.run(
      "verify-logits", model, "--reference", model, "--prompt", "Deep learning, 深度学习", "--json")
    #expect(result.code == 0, "\(result.error)")
    let tokenizers = result.json?["tokenizers"] as? [String: Any]
    #expect(tokenizers?["agree"] as? Bool == true)
    // All positions are as good as each other: the first ones are shown.
    let worst = try #require(result.json?["worst"] as? [[String: Any]])
    #expect((worst.last?["before"] as? String)?.hasPrefix("Deep") == true)
  }

  @Test func aFileForLlamaCppIsRefused() throws {
    let result = try CommandLineTool.run("convert", model, "--output", folder("x.gguf"))
    #expect(result.code == 69)
    #expect(
      result.error.contains(
        "m/tokenizer.json: is the only tokenizer; it cannot be written to GGUF yet"))
  }

  /// Weights do not need a tokenizer that is understood.
  @Test func aMergedFolderKeepsATokenizerThatIsNotKnown() throws {
    let other = #"{"model":{"type":"Unigram","vocab":[["a",-1]]}}"#
    try folder.write(other.utf8, to: "m/tokenizer.json")
    var update = AdapterBuilder()
    update.update("model.layers.0.self_attn.q_proj")
    let adapter = try update.write(to: folder)
    let result = try CommandLineTool.run(
      "merge", "--base", model, "--lora", adapter, "--target", folder("merged"))
    #expect(result.code == 0, "\(result.error)")
    #expect(try Fixtures.bytes("\(folder("merged"))/tokenizer.json") == Array(other.utf8))
    let generated = try CommandLineTool.run("generate", model, "--prompt", "a")
    #expect(generated.code == 69)
    #expect(generated.error.contains("Unigram"), "\(generated.error)")
  }
}
