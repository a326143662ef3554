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

  /// The file holds the tokenizer: all that gives a model text works with it, and agrees.
  @Test func aFileForLlamaCppHoldsTheTokenizer() throws {
    let file = folder("x.gguf")
    let result = try CommandLineTool.run("convert", model, "--output", file)
    #expect(result.code == 0, "\(result.error)")
    let compared = try CommandLineTool.run(
      "verify-logits", file, "--reference", model, "--prompt", "Deep learning, 深度学习", "--json")
    #expect(compared.code == 0, "\(compared.error)")
    let tokenizers = compared.json?["tokenizers"] as? [String: Any]
    #expect(tokenizers?["agree"] as? Bool == true)
    let findings = try #require(compared.json?["findings"] as? [[String: Any]])
    #expect(findings.allSatisfy { $0["severity"] as? String != "error" }, "\(findings)")
    let generated = try CommandLineTool.run(
      "generate", file, "--prompt", "你好", "--max-tokens", "3", "--seed", "3")
    #expect(generated.code == 0 && generated.output.hasPrefix("你好"), "\(generated.error)")
    let text = try folder.write(String(repeating: "Deep learning. ", count: 40).utf8, to: "t.txt")
    let learned = try CommandLineTool.run(
      "imatrix", file, "--text", text, "--context", "32", "--output", folder("i.gguf"))
    #expect(learned.code == 0, "\(learned.error)")
    let quantized = try CommandLineTool.run("quantize", file, folder("q.gguf"), "q8_0")
    #expect(quantized.code == 0, "\(quantized.error)")
    let ids = try [model, file, folder("q.gguf")].map {
      try CommandLineTool.run("tokenize", $0, "Hello 你好", "--json").json?["ids"] as? [Int]
    }
    #expect(ids[0] != nil && ids[1] == ids[0] && ids[2] == ids[0])
  }

  @Test func anotherWayOfCuttingIsGiven() throws {
    let file = folder("x.gguf")
    let result = try CommandLineTool.run("convert", model, "--output", file, "--pre", "qwen2")
    #expect(result.code == 0, "\(result.error)")
    func ids(_ options: String...) throws -> [Int]? {
      try CommandLineTool.run(["tokenize", file, "123 456", "--json"] + options).json?["ids"]
        as? [Int]
    }
    #expect(try ids() == ids("--pre", "qwen2"))
    let unknown = try CommandLineTool.run("tokenize", file, "a", "--pre", "unheard-of")
    #expect(unknown.code == 69 && unknown.error.contains("unheard-of"), "\(unknown.error)")
    let folderOnly = try CommandLineTool.run(
      "convert", model, "--output", folder("y"), "--format", "safetensors", "--pre", "qwen2")
    #expect(folderOnly.code == 64)
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
