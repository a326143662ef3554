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
    request.adapters = adapters.map { ScaledAdapter(lora($0)) }
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

  @Test(arguments: ["base-hf", "base-meta"])
  func aScaleIsPEFTs(base: String) throws {
    var request = ModelRequest(Fixtures.miniZiya(base))
    request.adapters = [ScaledAdapter(Self.lora("rslora"), scale: 0.3)]
    let model = try ModelLoader.load(request)
    try check(model, "rslora:0.3")
    #expect(model.mergeRule == "lora:0.3")
  }

  /// Lengths of rows are sums in another order than torch's, so that elements may differ by a unit in the
  /// last place.
  @Test(arguments: ["f16", "bf16", "f32"])
  func rowsHaveTheLengthsOfDoRA(type: String) throws {
    let model = try Self.load(Self.lora("base-\(type)"), ["dora"])
    let merged = LlamaView(model.llama, as: .huggingFace)
    let expected = try Checkpoint(path: Self.lora("dora-\(type).safetensors")).catalogue
    #expect(expected.tensors.count == 7)
    var (count, others) = (0, 0)
    for (index, tensor) in expected.tensors.enumerated() {
      let found = try #require(merged.tensors.firstIndex { $0.name == tensor.name })
      #expect(merged.tensors[found] == tensor)
      let rows = 0..<tensor.shape.rows
      let (ours, theirs) = try (
        ScalarRows.values(merged.bytes(rows: rows, ofTensor: found), as: tensor.type),
        ScalarRows.values(expected.bytes(rows: rows, ofTensor: index), as: tensor.type)
      )
      let unit: Float = type == "f16" ? 0x1p-10 : type == "bf16" ? 0x1p-7 : 0x1p-22
      for (our, their) in zip(ours, theirs) {
        count += 1
        others += our == their ? 0 : 1
        #expect(abs(our - their) <= unit * abs(their), "\(tensor.name)")
      }
    }
    #expect(count == 32 * 32 * 4 + 32 * 48 * 3)
    // Of 16 bits nearly all are the same; of 32 those whose row's length is.
    #expect(others <= (type == "f32" ? count / 2 : count / 500), "\(others) of \(count)")
    #expect(model.notes.contains { $0.contains("7 DoRA updates, ranks 3 to 5") })
  }

  /// Base in Meta's row order: lengths change places with rows.
  @Test func lengthsOfRowsGoWithTheirRows() throws {
    let model = try Self.load(Self.lora("base-f16"), ["dora"]).llama
    let ordered = LlamaView(model, as: .gguf)
    let plain = LlamaView(model, as: .huggingFace)
    let permutation = RowPermutation(head: model.configuration.headDimension, to: .neighbours)
    for (index, tensor) in plain.tensors.enumerated() where tensor.name.contains("q_proj") {
      let permuted = try plain.bytes(
        rows: 0..<tensor.shape.rows, ofTensor: index, permutedBy: permutation)
      let other = try #require(ordered.tensors.firstIndex { $0.name == "blk.0.attn_q.weight" })
      #expect(try ordered.bytes(rows: 0..<tensor.shape.rows, ofTensor: other) == permuted)
    }
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
    request.adapters = [ScaledAdapter(Self.lora("plain"))]
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
