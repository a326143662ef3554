import Foundation
import Testing
import WeightmillConversion
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization

/// Adapters that do not fit, are incomplete or are something else get errors that name the tensors.
struct AdapterFitTests {
  private let folder: TemporaryFolder
  private let base: String
  private let query = "model.layers.0.self_attn.q_proj"

  init() throws {
    folder = try TemporaryFolder()
    base = try SmallModel().write(to: folder, "base")
  }

  private func merge(_ adapter: AdapterBuilder, into model: String? = nil) throws -> LoadedModel {
    var request = ModelRequest(model ?? base)
    request.adapters = [ScaledAdapter(try adapter.write(to: folder))]
    return try ModelLoader.load(request)
  }

  private func expect(
    _ code: WeightmillError.Code, _ part: String, _ adapter: AdapterBuilder,
    into model: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let error = expectError(code, sourceLocation: sourceLocation) {
      _ = try merge(adapter, into: model)
    }
    #expect(
      error?.description.contains(part) == true, "\(error?.description ?? "")",
      sourceLocation: sourceLocation)
  }

  @Test func anUpdateNeedsBothMatrices() {
    for (missing, problem) in [("lora_A", "has no A"), ("lora_B", "has no B")] {
      var adapter = AdapterBuilder()
      adapter.update(query)
      adapter.tensors["\(query).\(missing).weight"] = nil
      expect(.mismatch, problem, adapter)
    }
  }

  @Test func theRankIsTheConfigurations() {
    var adapter = AdapterBuilder()
    adapter.update(query, rank: 6)
    expect(.mismatch, "is [6, 64], not [4, 64] (rank 4)", adapter)
    expect(.mismatch, "is [64, 6], not [64, 4] (rank 4)", adapter)
    adapter.settings["rank_pattern"] = #"{"q_proj":6}"#
    #expect(throws: Never.self) { try merge(adapter) }
  }

  @Test func anAdapterForAnotherWidthSaysSo() {
    var adapter = AdapterBuilder()
    adapter.update(query, inputs: 128, outputs: 128)
    adapter.settings["base_model_name_or_path"] = #""llama-7b""#
    expect(.mismatch, "it is for a width of 128, not 64", adapter)
    expect(.mismatch, "which it calls \"llama-7b\"", adapter)
  }

  @Test(arguments: [
    ("model.layers.3.self_attn.q_proj", "is not for a module of the base"),
    ("model.layers.0.self_attn.qkv_proj", "is not for a module of the base"),
    ("model.norm", "is for a norm"), ("model.embed_tokens", "is for an embedding"),
    ("score", "is not for a module of the base"),
  ])
  func updatesOfOtherModulesAreNamed(module: String, problem: String) {
    var adapter = AdapterBuilder()
    adapter.update(module)
    expect(.mismatch, problem, adapter)
    expect(.mismatch, module, adapter)
  }

  @Test(arguments: [
    "!model.layers.0.self_attn.q_proj.weight", "!prompt_embeddings",
    "model.layers.0.self_attn.q_proj.lora_A.a.b.weight", "model.layers.0.self_attn.q_proj.lora_A",
    "lora_A.weight", "model.layers.0.self_attn.q_proj.biases",
  ])
  func unknownNamesAreNamed(name: String) {
    var adapter = AdapterBuilder()
    adapter.update(query)
    adapter.tensors[name] = .init([4, 64], seed: 1)
    expect(.mismatch, "is unknown", adapter)
  }

  @Test(arguments: [
    "model.layers.0.self_attn.q_proj.bias", "model.layers.0.self_attn.q_proj.base_layer.bias",
    "model.layers.0.self_attn.q_proj.modules_to_save.bias",
  ])
  func aBiasThatTheModelDoesNotHaveIsNamed(name: String) {
    var adapter = AdapterBuilder()
    adapter.update(query)
    adapter.tensors[name] = .init([64], seed: 1)
    expect(.mismatch, "is not for a module of the base", adapter)
    expect(.mismatch, name, adapter)
  }

  @Test(arguments: [
    ("\(AdapterBuilder.modelQuery).lora_magnitude_vector", "DoRA"),
    ("\(AdapterBuilder.modelQuery).lora_B.bias", "biases"),
    ("model.embed_tokens.token_adapter.trainable_tokens_delta", "single trained tokens"),
  ])
  func otherKindsOfLoRAAreUnsupported(name: String, kind: String) {
    var adapter = AdapterBuilder()
    adapter.update(query)
    adapter.tensors[name] = .init([64], seed: 1)
    expect(.unsupported, kind, adapter)
  }

  /// What DoRA's lengths of rows must be.
  @Test func lengthsOfRowsFit() {
    let module = "model.layers.0.self_attn.q_proj"
    var adapter = AdapterBuilder()
    adapter.settings["use_dora"] = "true"
    adapter.update(query)
    expect(.mismatch, "has no lora_magnitude_vector", adapter)
    for extents in [[63], [64, 1], [1, 64]] {
      adapter.tensors["\(module).lora_magnitude_vector"] = .init(extents, seed: 1)
      expect(.mismatch, "lora_magnitude_vector", adapter)
      expect(.mismatch, ", not [64]", adapter)
    }
    adapter.tensors["\(module).lora_magnitude_vector"] = .init([64], seed: 1)
    adapter.tensors["model.layers.0.self_attn.k_proj.lora_magnitude_vector"] = .init([64], seed: 1)
    expect(.mismatch, "k_proj.lora_magnitude_vector\" has no A and B", adapter)
    adapter.tensors["model.layers.0.self_attn.k_proj.lora_magnitude_vector"] = nil
    adapter.tensors["model.embed_tokens.lora_embedding_A"] = .init([4, 300], seed: 1)
    adapter.tensors["model.embed_tokens.lora_embedding_B"] = .init([64, 4], seed: 2)
    adapter.tensors["model.embed_tokens.lora_magnitude_vector"] = .init([64], seed: 3)
    expect(.unsupported, "DoRA of the embedding", adapter)
  }

  @Test func anAdapterOfAModelWithoutAHeadFits() throws {
    var (whole, headless) = (AdapterBuilder(), AdapterBuilder())
    whole.update(query)
    headless.update("layers.0.self_attn.q_proj")
    func digests(_ adapter: AdapterBuilder) throws -> [TensorDigest] {
      try TensorDigest.all(of: try merge(adapter).llama.catalogue, workers: Workers(threads: 1))
    }
    #expect(try digests(whole) == digests(headless))
  }

  @Test func twoAdaptersInOneFileAreNoticed() {
    var adapter = AdapterBuilder()
    adapter.update(query)
    adapter.tensors["\(query).lora_A.other.weight"] = .init([4, 64], seed: 1)
    expect(.mismatch, "is there under another name, too", adapter)
  }

  @Test func anAdapterOfNothingIsNoticed() {
    expect(.mismatch, "holds nothing that could be merged", AdapterBuilder())
  }

  @Test func emptyTensorsOfABrokenSaveAreNamed() {
    var adapter = AdapterBuilder()
    adapter.update(query)
    adapter.tensors["\(query).lora_A.weight"] = .init([0], [])
    expect(.mismatch, "empty, as DeepSpeed ZeRO-3 saves them", adapter)
  }

  @Test func otherTypesAreUnsupported() {
    var adapter = AdapterBuilder()
    adapter.update(query)
    adapter.tensors["\(query).lora_A.weight"] = .init([4, 64], type: "I8", size: 1)
    expect(.unsupported, "is of type I8", adapter)
  }

  @Test func embeddingsAndOutputMatrixGrowTogether() {
    var adapter = AdapterBuilder()
    adapter.tensors["model.embed_tokens.weight"] = .init([310, 64], seed: 1)
    expect(
      .mismatch, "\"lm_head.weight\" has 300 rows in the base, the embeddings 310", adapter)
    adapter.tensors["lm_head.weight"] = .init([311, 64], seed: 1)
    expect(.mismatch, "is [311, 64], not [310, 64]", adapter)
  }

  @Test func whatIsToBeSavedMustBeThere() {
    var adapter = AdapterBuilder()
    adapter.update(query)
    adapter.settings["modules_to_save"] = #"["lm_head","classifier"]"#
    expect(.mismatch, "\"lm_head\" is in modules_to_save, but is not there", adapter)
  }

  @Test func targetsWithoutUpdatesAreReported() throws {
    var adapter = AdapterBuilder()
    adapter.update(query)
    adapter.settings["target_modules"] = #"["q_proj","v_proj"]"#
    let missing = "\"model.layers.0.self_attn.v_proj\" is a target, but has no update"
    #expect(try merge(adapter).notes.contains { $0.hasSuffix(missing) })
    adapter.settings["layers_to_transform"] = "[0]"
    #expect(try !merge(adapter).notes.contains { $0.hasSuffix(missing) })
  }

  @Test func leftoversOfOlderVersionsAreReported() throws {
    var adapter = AdapterBuilder()
    for module in ["model.embed_tokens", "lm_head"] {
      adapter.tensors["\(module).modules_to_save.default.weight"] = .init([310, 64], seed: 1)
      adapter.tensors["\(module).original_module.weight"] = .init([300, 64], seed: 2)
    }
    adapter.tensors["lm_head.weight"] = .init([310, 64], seed: 1)
    adapter.tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = .init([16], seed: 3)
    let model = try merge(adapter)
    #expect(model.llama.configuration.vocabularyRows == 310)
    for name in ["lm_head.original_module.weight", "lm_head.weight", "inv_freq"] {
      #expect(model.notes.contains { $0.contains("\(name)\" is not used") }, "\(model.notes)")
    }
  }

  /// The values of a matrix, column by column.
  private func transposed(_ values: [Float], rows: Int) -> [Float] {
    let columns = values.count / rows
    return (0..<columns).flatMap { column in (0..<rows).map { values[$0 * columns + column] } }
  }

  /// LLaMA's weights have their outputs as rows; matrices for transposed weights are taken by their
  /// shapes, which fit in no other way.
  @Test func matricesForTransposedWeightsAreTurned() throws {
    let wide = try SmallModel(feedForward: 96).write(to: folder, "wide")
    let module = "model.layers.0.mlp.up_proj"
    var random = SeededGenerator(seed: 9)
    let a = (0..<4 * 64).map { _ in random.gaussian() }
    let b = (0..<96 * 4).map { _ in random.gaussian() }
    var plain = AdapterBuilder()
    plain.tensors["\(module).lora_A.weight"] = .init([4, 64], a)
    plain.tensors["\(module).lora_B.weight"] = .init([96, 4], b)
    // (B·A)ᵀ = Aᵀ·Bᵀ.
    var turned = AdapterBuilder()
    turned.tensors["\(module).lora_A.weight"] = .init([4, 96], transposed(b, rows: 96))
    turned.tensors["\(module).lora_B.weight"] = .init([64, 4], transposed(a, rows: 4))
    expect(.mismatch, "is [4, 96], not [4, 64]", turned, into: wide)
    turned.settings["fan_in_fan_out"] = "true"
    func digests(_ adapter: AdapterBuilder) throws -> [TensorDigest] {
      try TensorDigest.all(
        of: try merge(adapter, into: wide).llama.catalogue, workers: Workers(threads: 1))
    }
    #expect(try digests(turned) == digests(plain))
  }

  @Test func rowsDoNotDependOnTiles() throws {
    var adapter = AdapterBuilder()
    adapter.update(query, rank: 4)
    adapter.tensors["model.embed_tokens.lora_embedding_A"] = .init([4, 300], seed: 1)
    adapter.tensors["model.embed_tokens.lora_embedding_B"] = .init([64, 4], seed: 2)
    let catalogue = try merge(adapter).llama.catalogue
    for index in catalogue.tensors.indices {
      let rows = catalogue.tensors[index].shape.rows
      let whole = try catalogue.bytes(rows: 0..<rows, ofTensor: index)
      for height in [1, 3, 7, 64] {
        var tiled: [UInt8] = []
        for first in stride(from: 0, to: rows, by: height) {
          tiled += try catalogue.bytes(rows: first..<min(first + height, rows), ofTensor: index)
        }
        #expect(tiled == whole)
      }
    }
  }

  @Test func aTokenizerWithMoreTokensThanRowsIsAMismatch() throws {
    var adapter = AdapterBuilder()
    adapter.update(query)
    // One that the model cannot have is left out.
    try folder.write(#"{"<pad>": 300}"#.utf8, to: "lora/added_tokens.json")
    try folder.copy("\(base)/tokenizer.model", as: "lora/tokenizer.model")
    let model = try merge(adapter)
    #expect(model.tokenizer?.vocabulary.tokens.count == 300)
    #expect(model.notes.contains { $0.contains("<pad>") && $0.contains("left out") })
    let many = (300..<320).map { #""<\#($0)>": \#($0)"# }.joined(separator: ",")
    try folder.write("{\(many)}".utf8, to: "lora/added_tokens.json")
    let error = expectError(.mismatch) { _ = try merge(adapter) }
    #expect(error?.remedy?.contains("it came with the adapter") == true)
  }

  @Test func fewerRowsThanTokensAreAMismatch() {
    var adapter = AdapterBuilder()
    for module in ["model.embed_tokens", "lm_head"] {
      adapter.tensors["\(module).weight"] = .init([200, 64], seed: 1)
    }
    expect(.mismatch, "300 tokens, but 200 embedding rows", adapter)
  }

  @Test func rowsWithoutTokensMayGo() throws {
    // 259 tokens, 300 rows.
    var adapter = AdapterBuilder()
    for module in ["model.embed_tokens", "lm_head"] {
      adapter.tensors["\(module).weight"] = .init([260, 64], seed: 1)
    }
    #expect(try merge(adapter).tokenizer?.vocabulary.tokens.count == 260)
  }
}

extension AdapterBuilder {
  fileprivate static let modelQuery = "model.layers.0.self_attn.q_proj"
}
