import WeightmillLLaMA
import WeightmillStrictJSON
import WeightmillTensors

/// The members of a `config.json` for a model whose files have none: Meta's, and GGUF files.
///
/// Each architecture's members are those that transformers' class reads, by the sources named in
/// `formats/architectures.md`.
struct DescribedModel {
  private let configuration: LlamaConfiguration
  private(set) var object = JSONObject(members: [])

  /// Describes a model.
  ///
  /// - Parameters:
  ///   - configuration: The model's sizes and constants.
  ///   - rotation: What is said of its rotary angles besides their base.
  ///   - biases: The biases that its layers have.
  init(
    _ configuration: LlamaConfiguration, rotation: DescribedRotation,
    biases: Set<TensorRole.LayerTensor> = []
  ) {
    self.configuration = configuration
    let architecture = configuration.architecture
    object["architectures"] = .array([.string(architecture.huggingFaceClass)])
    object["model_type"] = .string(architecture.huggingFaceType)
    size("vocab_size", configuration.vocabularyRows)
    setActivation()
    size("hidden_size", configuration.hiddenSize)
    size("intermediate_size", configuration.feedForwardSize)
    size("num_hidden_layers", configuration.layerCount)
    size("num_attention_heads", configuration.headCount)
    size("num_key_value_heads", configuration.keyValueHeadCount)
    if saysHeadSize { size("head_dim", configuration.headDimension) }
    size("max_position_embeddings", configuration.contextLength)
    number("rms_norm_eps", configuration.normEpsilon)
    number("rope_theta", configuration.ropeBase)
    for member in rotation.members { object[member.name] = member.value }
    setBiases(biases)
    setScales()
    setAttention()
    object["tie_word_embeddings"] = .bool(configuration.tiesEmbeddings)
    object["use_cache"] = .bool(true)
  }

  private mutating func size(_ name: String, _ value: Int) { object[name] = .number("\(value)") }

  private mutating func number(_ name: String, _ value: Double) {
    object[name] = Self.number(value)
  }

  /// A number as people write it: of one that binary32 has, the shortest that gives the same there.
  static func number(_ value: Double) -> JSONValue {
    let single = Float(value)
    return .number(Double(single) == value ? "\(single)" : "\(value)")
  }

  /// A number that gives a value of binary32 by way of a formula, with as few decimals as do.
  ///
  /// - Parameters:
  ///   - value: About the number.
  ///   - expected: The value.
  ///   - formula: What makes the value of it.
  /// - Returns: The number.
  static func number(
    near value: Double, giving expected: Double, by formula: (Double) -> Double
  ) -> JSONValue {
    var unit = 1.0
    for _ in 0...12 {
      let candidate = (value * unit).rounded() / unit
      if Float(formula(candidate)) == Float(expected) {
        return candidate == candidate.rounded() && abs(candidate) < 1e15
          ? .number("\(Int(candidate))") : .number("\(candidate)")
      }
      unit *= 10
    }
    return .number("\(value)")
  }

  private var saysHeadSize: Bool {
    let architecture = configuration.architecture
    guard !architecture.headsShareWidth else { return false }
    return architecture.alwaysSaysHeadSize
      || configuration.headDimension * configuration.headCount != configuration.hiddenSize
  }

  private mutating func setActivation() {
    switch configuration.architecture.activation {
    case .silu: object["hidden_act"] = .string("silu")
    case .gelu:
      // Gemma's first class reads the older field, the others the newer one.
      object["hidden_act"] = .string("gelu_pytorch_tanh")
      object["hidden_activation"] = .string("gelu_pytorch_tanh")
    }
  }

  private mutating func setBiases(_ biases: Set<TensorRole.LayerTensor>) {
    typealias Tensors = TensorRole.LayerTensor
    let architecture = configuration.architecture
    for (name, group) in [
      ("attention_bias", Tensors.attentionBiases), ("mlp_bias", Tensors.feedForwardBiases),
    ] where group.isSubset(of: architecture.layerTensors) && !group.isDisjoint(with: biases) {
      object[name] = .bool(true)
    }
  }

  /// What the model multiplies, and its caps.
  private mutating func setScales() {
    let scales = configuration.scales
    let architecture = configuration.architecture
    switch architecture.scaleFields {
    case .none: break
    case .miniCPM:
      let root = Double(configuration.layerCount).squareRoot()
      let width = Double(configuration.hiddenSize)
      number("scale_emb", scales.embedding)
      object["scale_depth"] = Self.number(
        near: scales.residual * root, giving: scales.residual, by: { $0 / root })
      object["dim_model_base"] = Self.number(
        near: width / scales.logit, giving: scales.logit, by: { width / $0 })
    case .granite:
      number("embedding_multiplier", scales.embedding)
      number("residual_multiplier", scales.residual)
      number("logits_scaling", scales.logit)
      number(
        "attention_multiplier",
        scales.attention ?? 1 / Double(configuration.headDimension).squareRoot())
    case .gemma where architecture.caps != nil:
      let shape = ModelShape(
        width: configuration.hiddenSize, layers: configuration.layerCount,
        heads: configuration.headCount, head: configuration.headDimension)
      size("query_pre_attn_scalar", shape.scoreDivisor(architecture))
    case .gemma: break
    }
    guard let caps = architecture.caps else { return }
    for (name, cap, isThere) in [
      ("attn_logit_softcapping", scales.attentionCap, caps.areRequired),
      ("final_logit_softcapping", scales.logitCap, true),
    ] where isThere {
      object[name] = cap.map(Self.number) ?? .null
    }
  }

  /// Windows of attention, and layers without rotary angles.
  private mutating func setAttention() {
    let architecture = configuration.architecture
    if architecture == .qwen2 || architecture == .qwen3 {
      object["use_sliding_window"] = .bool(false)
    }
    if let interval = architecture.unrotatedInterval { size("no_rope_layer_interval", interval) }
    guard let windows = architecture.windows else { return }
    object["sliding_window"] = configuration.window.map { .number("\($0)") } ?? .null
    guard windows.interval != nil else { return }
    object["layer_types"] = .array(
      (0..<configuration.layerCount).map {
        .string(configuration.window(ofLayer: $0) == nil ? "full_attention" : "sliding_attention")
      })
    if let base = configuration.localRopeBase { number("rope_local_base_freq", base) }
    // The older name of what layer_types says, which mlx-lm reads.
    if let interval = windows.interval, windows.localRopeBase != nil, configuration.window != nil {
      size("sliding_window_pattern", interval)
    }
  }
}
