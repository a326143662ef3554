import Foundation
import Testing
import WeightmillConversion
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// Adapters of a model whose output matrix is its embedding: what each of the two is after the merge.
///
/// PEFT changes a module and leaves the matrix that it shared to the other. The same adapters made by
/// PEFT 0.21 were merged by hand: logits as those of the model with the adapter unmerged, within a normalized
/// error of 1e-6.
struct TiedEmbeddingTests {
  private let folder: TemporaryFolder
  private let base: String
  private let embedding = "model.embed_tokens"

  init() throws {
    folder = try TemporaryFolder()
    var small = SmallModel()
    small.omitted = ["lm_head.weight"]
    small.tiesEmbeddings = true
    base = try small.write(to: folder, "tied")
  }

  private func merge(_ adapter: AdapterBuilder) throws -> LoadedModel {
    var request = ModelRequest(base)
    request.adapters = [ScaledAdapter(try adapter.write(to: folder))]
    return try ModelLoader.load(request)
  }

  private func values(_ model: LlamaModel, _ role: TensorRole) throws -> [Float] {
    let index = try #require(model[role])
    let tensor = model.catalogue.tensors[index]
    return ScalarRows.values(
      try model.catalogue.bytes(rows: 0..<tensor.shape.rows, ofTensor: index), as: tensor.type)
  }

  /// The base's embedding.
  private func original() throws -> [Float] {
    try values(ModelLoader.load(base).llama, .tokenEmbedding)
  }

  private static func half(_ value: Float) -> Float { Binary16.float(Binary16.bits(value)) }

  /// W + 2·B·A in float64, rounded once: within one unit of binary16 of what is merged.
  private func expectUpdated(
    _ found: [Float], from base: [Float], _ left: [Float], _ right: [Float],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let (rank, columns) = (4, 64)
    var worst = 0.0
    for (index, value) in found.enumerated() {
      let (row, column) = (index / columns, index % columns)
      let sum = (0..<rank).reduce(0.0) {
        $0 + Double(left[row * rank + $1]) * Double(right[$1 * columns + column])
      }
      worst = max(worst, abs(Double(value) - (Double(base[index]) + 2 * sum)))
    }
    #expect(worst < 1e-3, sourceLocation: sourceLocation)
    #expect(found != base, sourceLocation: sourceLocation)
  }

  private func random(_ count: Int, seed: UInt64) -> [Float] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { _ in random.gaussian() * 0.1 }
  }

  private func transposed(_ values: [Float], rows: Int) -> [Float] {
    let columns = values.count / rows
    return (0..<columns).flatMap { column in (0..<rows).map { values[$0 * columns + column] } }
  }

  @Test func anUpdateOfTheHeadLeavesTheEmbedding() throws {
    let (a, b) = (random(4 * 64, seed: 1), random(300 * 4, seed: 2))
    var adapter = AdapterBuilder()
    adapter.tensors["lm_head.lora_A.weight"] = .init([4, 64], a)
    adapter.tensors["lm_head.lora_B.weight"] = .init([300, 4], b)
    let model = try merge(adapter)
    #expect(!model.llama.tiesEmbeddings && !model.llama.configuration.tiesEmbeddings)
    #expect(model.notes.contains { $0.contains("output matrix") })
    #expect(try values(model.llama, .tokenEmbedding) == original())
    expectUpdated(try values(model.llama, .output), from: try original(), b, a)
  }

  @Test(arguments: [false, true])
  func anUpdateOfTheEmbeddingLeavesTheHead(keepsTie: Bool) throws {
    let (a, b) = (random(4 * 300, seed: 1), random(64 * 4, seed: 2))
    var adapter = AdapterBuilder()
    adapter.settings["ensure_weight_tying"] = "\(keepsTie)"
    adapter.tensors["\(embedding).lora_embedding_A"] = .init([4, 300], a)
    adapter.tensors["\(embedding).lora_embedding_B"] = .init([64, 4], b)
    let model = try merge(adapter).llama
    #expect(model.tiesEmbeddings == keepsTie)
    if !keepsTie { #expect(try values(model, .output) == original()) }
    expectUpdated(
      try values(model, .tokenEmbedding), from: try original(), transposed(a, rows: 4),
      transposed(b, rows: 64))
  }

  @Test func aTrainedModuleIsTheAdaptersAndTheOtherStays() throws {
    let trained = random(300 * 64, seed: 3)
    for (module, role, other) in [
      ("lm_head", TensorRole.output, TensorRole.tokenEmbedding),
      (embedding, .tokenEmbedding, .output),
    ] {
      var adapter = AdapterBuilder()
      adapter.settings["modules_to_save"] =
        #"["\#(module.split(separator: ".").last ?? "")"]"#
      adapter.tensors["\(module).weight"] = .init([300, 64], trained)
      let model = try merge(adapter).llama
      #expect(!model.tiesEmbeddings)
      #expect(try values(model, role) == trained.map(Self.half))
      #expect(try values(model, other) == original())
    }
  }

  /// Stored because it was resized, not because it was trained: the matrix is still both.
  @Test func aResizedMatrixIsStillBoth() throws {
    let resized = random(308 * 64, seed: 4)
    var adapter = AdapterBuilder()
    adapter.update("model.layers.0.self_attn.q_proj")
    adapter.tensors["\(embedding).weight"] = .init([308, 64], resized)
    let model = try merge(adapter).llama
    #expect(model.tiesEmbeddings && model.configuration.vocabularyRows == 308)
    #expect(try values(model, .output) == resized.map(Self.half))
    // With an update of the head it is what the update is added to, and the embedding.
    let (a, b) = (random(4 * 64, seed: 1), random(308 * 4, seed: 2))
    var headed = AdapterBuilder()
    headed.tensors["lm_head.base_layer.weight"] = .init([308, 64], resized)
    headed.tensors["lm_head.lora_A.weight"] = .init([4, 64], a)
    headed.tensors["lm_head.lora_B.weight"] = .init([308, 4], b)
    let updated = try merge(headed).llama
    #expect(!updated.tiesEmbeddings && updated.configuration.vocabularyRows == 308)
    #expect(try values(updated, .tokenEmbedding) == resized.map(Self.half))
    expectUpdated(try values(updated, .output), from: resized.map(Self.half), b, a)
    // A trained embedding with more rows leaves the head without a part of it.
    adapter.settings["modules_to_save"] = #"["embed_tokens"]"#
    expectError(.mismatch) { _ = try merge(adapter) }
  }

  @Test func bothAreWritten() throws {
    var adapter = AdapterBuilder()
    adapter.update("lm_head", outputs: 300)
    let model = try merge(adapter)
    let folderPlan = try ConversionPlan(huggingFace: model)
    #expect(folderPlan.items.contains { $0.tensor.name == "lm_head.weight" })
    guard case .huggingFace(let output) = folderPlan.output else { return }
    let config = try #require(output.companions.first { $0.name == "config.json" })
    let object = try JSONSerialization.jsonObject(with: Data(config.content)) as? [String: Any]
    #expect(object?["tie_word_embeddings"] as? Bool == false)
    let file = try ConversionPlan(convert: model, to: .f16, name: "x")
    #expect(file.items.contains { $0.tensor.name == "output.weight" })
  }
}
