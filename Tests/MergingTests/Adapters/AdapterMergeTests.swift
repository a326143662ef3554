import Foundation
import Testing
import WeightmillConversion
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization

/// Merged tensors are bit for bit those of PEFT and of Chinese-LLaMA-Alpaca's script
/// (`fixtures/lora/expected.json`).
struct AdapterMergeTests {
  private struct Expected: Decodable {
    let dtype: String
    let shape: [Int]
    let sha256: String
  }

  private static func lora(_ name: String) -> String { "\(Fixtures.package)/fixtures/lora/\(name)" }

  private static func load(_ base: String, _ adapters: [String]) throws -> LoadedModel {
    var request = ModelRequest(base)
    request.adapters = adapters.map(lora)
    return try ModelLoader.load(request)
  }

  private static func expected(_ name: String) throws -> [String: Expected] {
    let data = try Data(contentsOf: URL(fileURLWithPath: lora("expected.json")))
    return try #require(JSONDecoder().decode([String: [String: Expected]].self, from: data)[name])
  }

  private func check(_ model: LoadedModel, _ name: String) throws {
    let expected = try Self.expected(name)
    let merged = LlamaView(model.llama, as: .huggingFace)
    #expect(Set(merged.tensors.map(\.name)) == Set(expected.keys))
    for (index, tensor) in merged.tensors.enumerated() {
      let item = try #require(expected[tensor.name])
      #expect(tensor.type.name == item.dtype)
      #expect(tensor.shape.extents == item.shape)
      #expect(try sha256(ofTensor: index, in: merged) == item.sha256, "\(tensor.name)")
    }
  }

  @Test(
    arguments: [
      "plain", "rslora", "patterns", "fan-in-fan-out", "embedding", "plain+rslora",
    ], ["base-hf", "base-meta"])
  func everyTensorOfMiniZiyaHasPEFTsDigest(name: String, base: String) throws {
    let adapters = name.split(separator: "+").map(String.init)
    let model = try Self.load(Fixtures.miniZiya(base), adapters)
    try check(model, name)
    #expect(model.mergeRule == (adapters.count == 2 ? "lora+lora" : "lora"))
    #expect(model.tokenizer?.vocabulary.tokens.count == 2000)
  }

  @Test(arguments: ["f16", "bf16", "f32"])
  func weightsKeepTheirType(type: String) throws {
    try check(try Self.load(Self.lora("base-\(type)"), ["tiny"]), "tiny-\(type)")
  }

  @Test(arguments: [("embedding-saved", 264), ("modules-to-save", 262)])
  func tensorsThatAreStoredWholeTakeThePlaceOfTheBases(name: String, rows: Int) throws {
    let model = try Self.load(Self.lora("base-f16"), [name])
    try check(model, name)
    #expect(model.llama.configuration.vocabularyRows == rows)
    #expect(model.tokenizer?.vocabulary.tokens.count == rows)
    #expect(model.tokenizer?.vocabulary.tokens.last?.kind == .unused)
    #expect(model.notes.contains { $0.contains("rows beyond the base's have no tokens") })
  }

  @Test(arguments: [
    ("chinese-llama", 271, "我"), ("chinese-llama+chinese-alpaca", 272, "[PAD]"),
  ])
  func theLastTokenizerIsTaken(name: String, rows: Int, last: String) throws {
    let model = try Self.load(
      Self.lora("base-f16"), name.split(separator: "+").map(String.init))
    try check(model, name)
    #expect(model.tokenizer?.vocabulary.tokens.count == rows)
    #expect(model.tokenizer?.vocabulary.tokens.last?.text == last)
    #expect(model.notes.last == "the tokenizer is that of " + Self.lora(Self.lastPart(name)))
    #expect(model.files.contains(Self.lora(Self.lastPart(name)) + "/tokenizer.model"))
  }

  private static func lastPart(_ name: String) -> String {
    name.split(separator: "+").last.map(String.init) ?? name
  }

  @Test func adaptersAreMergedAfterADelta() throws {
    var request = ModelRequest(
      Fixtures.miniZiya("base-meta"), delta: Fixtures.miniZiya("delta"))
    request.adapters = [Self.lora("plain")]
    let model = try ModelLoader.load(request)
    #expect(model.mergeRule == "ziya+lora")
    #expect(model.tokenizer?.vocabulary.tokens[3051].text == "<bot>")
    #expect(model.chatTemplate?.contains("<human>") == true)
    let delta = try ModelLoader.load(
      Fixtures.miniZiya("base-meta"), delta: Fixtures.miniZiya("delta"))
    func rows(_ model: LoadedModel, _ role: TensorRole) throws -> [UInt8] {
      try model.llama.catalogue.bytes(rows: 0..<8, ofTensor: try #require(model.llama[role]))
    }
    #expect(try rows(model, .layer(0, .query)) != rows(delta, .layer(0, .query)))
    #expect(try rows(model, .layer(0, .key)) == rows(delta, .layer(0, .key)))
  }

  @Test func digestsDoNotDependOnThreads() throws {
    let model = try Self.load(Fixtures.miniZiya("base-meta"), ["plain", "embedding", "rslora"])
    let one = try TensorDigest.all(of: model.llama.catalogue, workers: Workers(threads: 1))
    for threads in [2, 5] {
      let some = try TensorDigest.all(
        of: model.llama.catalogue, workers: Workers(threads: threads))
      #expect(some == one)
    }
  }

  @Test func notesSayWhatWasMerged() throws {
    let note = try Self.load(Fixtures.miniZiya("base-hf"), ["patterns"]).notes.last
    #expect(
      note == "LoRA \(Self.lora("patterns")): 8 updates, ranks 2 to 6, scales 0.5 to 1.833, "
        + "made for \"mini-ziya/base-hf\"")
    let turned = try Self.load(Fixtures.miniZiya("base-hf"), ["fan-in-fan-out"]).notes.last
    #expect(turned?.contains("fan_in_fan_out has no effect") == true)
  }
}
