import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillStrictJSON
import WeightmillTensors
import WeightmillTestSupport

/// Each family becomes a GGUF file with its architecture's keys, and is read again as the same model.
struct FamilyMetadataTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A family: what its `config.json` says besides sizes, and the keys that its file has beside those
  /// of every architecture.
  struct Family: CustomTestStringConvertible, Sendable {
    let architecture: Architecture
    var fields: [String: String] = [:]
    var biases: Set<TensorRole.LayerTensor> = []
    var head: Int?
    let keys: [String: GGUFValue]
    var testDescription: String { architecture.huggingFaceType + (head.map { ", \($0)" } ?? "") }
  }

  private static let llama: [String: GGUFValue] = [
    "attention.key_length": .uint32(32), "attention.value_length": .uint32(32),
    "vocab_size": .uint32(300), "rope.dimension_count": .uint32(32),
  ]
  private static let sized: [String: GGUFValue] = [
    "attention.key_length": .uint32(24), "attention.value_length": .uint32(24),
  ]

  static let families = [
    Family(
      architecture: .llama, fields: ["attention_bias": "true", "mlp_bias": "true"],
      biases: TensorRole.LayerTensor.biases, keys: llama),
    Family(architecture: .mistral, fields: ["sliding_window": "64"], keys: llama),
    Family(
      architecture: .internLM3, fields: ["qkv_bias": "true", "bias": "false"],
      biases: TensorRole.LayerTensor.inputBiases, keys: llama),
    Family(architecture: .qwen2, keys: [:]),
    Family(architecture: .qwen2, head: 24, keys: sized),
    Family(architecture: .qwen3, head: 24, keys: sized),
    Family(
      architecture: .miniCPM,
      fields: ["scale_emb": "12", "scale_depth": "1.4", "dim_model_base": "256"],
      // 1.4 / √1, and 64 / 256.
      keys: [
        "embedding_scale": .float32(12), "residual_scale": .float32(1.4),
        "logit_scale": .float32(0.25),
      ]),
    Family(
      architecture: .granite,
      fields: [
        "embedding_multiplier": "12.0", "residual_multiplier": "0.22", "logits_scaling": "8.0",
        "attention_multiplier": "0.0078125",
      ],
      keys: [
        "embedding_scale": .float32(12), "residual_scale": .float32(0.22),
        "logit_scale": .float32(8), "attention.scale": .float32(0.0078125),
        "vocab_size": .uint32(300), "rope.dimension_count": .uint32(32),
      ]),
    Family(
      architecture: .smolLM3, fields: ["no_rope_layers": "[1]"],
      keys: ["vocab_size": .uint32(300), "rope.dimension_count": .uint32(32)]),
    Family(architecture: .olmo2, keys: [:]),
    Family(
      architecture: .phi3, fields: ["sliding_window": "null"],
      keys: [
        "rope.dimension_count": .uint32(32), "attention.sliding_window": .uint32(0),
        "rope.scaling.original_context_length": .uint32(4096),
      ]),
    Family(
      architecture: .phi3,
      fields: [
        "sliding_window": "2047", "max_position_embeddings": "131072",
        "original_max_position_embeddings": "4096",
        "rope_scaling":
          "{\"type\":\"longrope\",\"partial_rotary_factor\":0.25,\"short_factor\":[1,1.5,2,2.5],"
          + "\"long_factor\":[1,2,4,8]}",
      ],
      // √(1 + ln 32 / ln 4096).
      keys: [
        "rope.dimension_count": .uint32(8), "attention.sliding_window": .uint32(2047),
        "rope.scaling.original_context_length": .uint32(4096),
        "rope.scaling.attn_factor": .float32(1.1902381),
      ]),
    Family(architecture: .gemma, head: 24, keys: sized),
    Family(
      architecture: .gemma2, fields: ["query_pre_attn_scalar": "24", "sliding_window": "64"],
      head: 24,
      keys: sized.merging([
        "attn_logit_softcapping": .float32(50), "final_logit_softcapping": .float32(30),
        "attention.sliding_window": .uint32(64),
      ]) { $1 }),
    Family(
      architecture: .gemma3,
      fields: [
        "sliding_window": "16", "rope_local_base_freq": "5000",
        "rope_scaling": "{\"rope_type\":\"linear\",\"factor\":8.0}",
        "final_logit_softcapping": "20",
      ], head: 24,
      keys: sized.merging([
        "final_logit_softcapping": .float32(20), "attention.sliding_window": .uint32(16),
        "rope.freq_base_swa": .float32(5000), "rope.scaling.type": .string("linear"),
        "rope.scaling.factor": .float32(8),
      ]) { $1 }),
    Family(
      architecture: .gemma3, fields: ["sliding_window": "null"], head: 24, keys: sized),
  ]

  /// The keys of llama.cpp's converter that every one of them has.
  private static let common = [
    "block_count", "context_length", "embedding_length", "feed_forward_length",
    "attention.head_count", "attention.head_count_kv", "rope.freq_base",
    "attention.layer_norm_rms_epsilon",
  ]

  private func convert(_ family: Family) throws -> LoadedModel {
    var small = SmallModel()
    small.architecture = family.architecture
    small.fields = family.fields
    small.biases = family.biases
    small.head = family.head
    let model = try ModelLoader.load(small.write(to: folder, "model"))
    let plan = try ConversionPlan(convert: model, to: .f32, name: "model")
    _ = try ConversionRun(plan, workers: Workers(threads: 1)).write(
      to: folder("model.gguf"), overwrite: false)
    return model
  }

  @Test(arguments: families)
  func keysAreThoseOfLlamaCppsConverter(family: Family) throws {
    _ = try convert(family)
    let file = try GGUFFile(path: folder("model.gguf"))
    #expect(file.metadata["general.architecture"] == .string(family.architecture.name))
    let prefix = family.architecture.name + "."
    var keys = Dictionary(
      uniqueKeysWithValues: file.metadata.entries.filter { $0.key.hasPrefix(prefix) }
        .map { (String($0.key.dropFirst(prefix.count)), $0.value) })
    for key in Self.common {
      // Gemma's converters leave out the usual base.
      guard key != "rope.freq_base" || !family.architecture.leavesOutUsualRopeBase else { continue }
      #expect(keys.removeValue(forKey: key) != nil, "\(key)")
    }
    #expect(keys == family.keys)
    for tensor in file.tensors where tensor.shape.extents.count == 1 {
      #expect(tensor.type == .f32)
    }
  }

  /// Logits from the file have the bits of those from the checkpoint, both in the file's row order.
  @Test(arguments: families)
  func theFileIsTheSameModel(family: Family) throws {
    let model = try convert(family).llama
    let written = try ModelLoader.load(folder("model.gguf")).llama
    #expect(written.roles == model.roles)
    #expect(
      Float(written.configuration.scales.residual) == Float(model.configuration.scales.residual))
    let view = LlamaView(model, as: .gguf)
    #expect(
      view.tensors.map(\.name)
        == model.roles.map { NamingScheme.gguf.name(of: $0, in: model.architecture) })
    for (index, tensor) in view.tensors.enumerated() {
      let other = try #require(written.catalogue.tensors.firstIndex { $0.name == tensor.name })
      guard tensor.type == .f32 else { continue }
      let rows = 0..<tensor.shape.rows
      #expect(
        try view.bytes(rows: rows, ofTensor: index)
          == written.catalogue.bytes(rows: rows, ofTensor: other))
    }
  }

  /// Gains are stored less one in Gemma's folders, and whole in GGUF files; a folder that is written has
  /// the bytes it was read with.
  @Test func gainsOfGemmaAreWholeInGGUF() throws {
    var small = SmallModel(type: .bf16)
    small.architecture = .gemma
    small.head = 24
    let model = try ModelLoader.load(small.write(to: folder, "model")).llama
    let (folder, gguf) = (LlamaView(model, as: .huggingFace), LlamaView(model, as: .gguf))
    let index = try #require(gguf.tensors.firstIndex { $0.name == "blk.0.attn_norm.weight" })
    #expect(folder.tensors[index].name == "model.layers.0.input_layernorm.weight")
    #expect(folder.tensors[index].type == .bf16 && gguf.tensors[index].type == .f32)
    let stored = ScalarRows.values(try folder.bytes(rows: 0..<1, ofTensor: index), as: .bf16)
    let whole = ScalarRows.values(try gguf.bytes(rows: 0..<1, ofTensor: index), as: .f32)
    #expect(whole == stored.map { $0 + 1 })
    #expect(try model.vector(.layer(0, .attentionNorm)) == whole)
    let back = try LlamaModel(catalogue: gguf, configuration: model.configuration, scheme: .gguf)
    #expect(try back.vector(.layer(0, .attentionNorm)) == whole)
  }

  /// Of a model that sees the language model is taken, with a note; what is written does not see.
  @Test func theLanguageModelOfOneThatSeesIsTaken() throws {
    var small = SmallModel(type: .bf16)
    small.architecture = .gemma3
    small.head = 24
    let plain = try ModelLoader.load(small.write(to: folder, "plain"))
    small.sees = true
    let model = try ModelLoader.load(small.write(to: folder, "sees"))
    #expect(model.notes.contains { $0.contains("left out") && $0.contains("vision_tower") })
    #expect(model.llama.configuration == plain.llama.configuration)
    let (ours, theirs) = (
      LlamaView(model.llama, as: .huggingFace), LlamaView(plain.llama, as: .huggingFace)
    )
    #expect(ours.tensors == theirs.tensors)
    for index in ours.tensors.indices {
      #expect(try sha256(ofTensor: index, in: ours) == sha256(ofTensor: index, in: theirs))
    }
    let plan = try ConversionPlan(huggingFace: model)
    _ = try ConversionRun(plan, workers: Workers(threads: 1)).write(
      to: folder("written"), overwrite: false)
    let config = try TextInput.json(folder("written/config.json")).object
    #expect(config?["model_type"]?.string == "gemma3_text" && config?["text_config"] == nil)
    #expect(
      try ModelLoader.load(folder("written")).llama.configuration == plain.llama.configuration)
  }

  /// A folder that is not read is refused by the name of its model, even if no tensor is known.
  @Test func anUnknownModelIsNamed() throws {
    var small = SmallModel()
    small.architecture = .gemma3
    small.head = 24
    small.sees = true
    let path = try small.write(to: folder, "other")
    try folder.write(#"{"model_type":"gemma3n"}"#.utf8, to: "other/config.json")
    let error = expectError(.unsupported) { _ = try ModelLoader.load(path) }
    #expect(error?.problem.contains("\"gemma3n\"; it would need") == true)
  }

  /// An output matrix beside tied embeddings is the embedding once more: llama.cpp knows none.
  @Test func gemmasOutputMatrixIsTheEmbedding() throws {
    var small = SmallModel()
    small.architecture = .gemma
    small.head = 24
    small.tiesEmbeddings = true
    let model = try ModelLoader.load(small.write(to: folder, "model")).llama
    #expect(model.tiesEmbeddings && !model.roles.contains(.output))
  }

  /// What the configuration says of biases holds: none is missing, none is too many.
  @Test func biasesAreThoseOfTheConfiguration() throws {
    var small = SmallModel()
    small.biases = [.queryBias, .keyBias, .valueBias, .attentionOutputBias]
    small.fields = ["attention_bias": "true"]
    #expect(try ModelLoader.load(small.write(to: folder, "right")).llama.roles.count == 16)
    small.omitted = ["model.layers.0.self_attn.o_proj.bias"]
    let missing = expectError(.mismatch) {
      _ = try ModelLoader.load(small.write(to: folder, "less"))
    }
    #expect(missing?.problem.contains("o_proj.bias\" is missing") == true)
    small.omitted = []
    small.fields = [:]
    let many = expectError(.mismatch) { _ = try ModelLoader.load(small.write(to: folder, "more")) }
    #expect(many?.problem.contains("that the configuration does not speak of") == true)
  }

  /// MiniCPM's older files do not say what they multiply, and programs do not agree on it.
  @Test func aFileWithoutItsScalesIsRefused() throws {
    _ = try convert(Self.families[6])
    var file = try RewrittenGGUF(folder("model.gguf"))
    file.metadata["minicpm.logit_scale"] = nil
    let path = try file.write(to: folder, "older.gguf")
    expectError(.unsupported) { _ = try ModelLoader.load(path) }
  }

  /// Layers of SmolLM 3, and of Gemma 2 and 3, mean something by their number.
  @Test(arguments: [Architecture.smolLM3, .gemma2, .gemma3])
  func numberedLayersAreNotLeftOut(architecture: Architecture) throws {
    var small = SmallModel(layers: 4)
    small.architecture = architecture
    if architecture != .smolLM3 { small.head = 24 }
    let model = try ModelLoader.load(small.write(to: folder, "model"))
    expectError(.unsupported) { _ = try model.pruned([1]) }
    #expect(try model.pruned([]).layers == [0, 1, 2, 3])
  }
}
