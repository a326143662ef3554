package import WeightmillStrictJSON
package import WeightmillTensors

extension LlamaConfiguration {
  /// Refuses sizes that are impossible, so that nothing downstream divides by zero or overflows.
  ///
  /// - Parameter location: The file they come from, for messages.
  /// - Returns: The configuration itself.
  /// - Throws: `malformed`, naming the first impossible value.
  package func checked(location: String) throws(WeightmillError) -> LlamaConfiguration {
    let sizes: [(String, Int)] = [
      ("hidden size", hiddenSize), ("number of heads", headCount),
      ("number of key-value heads", keyValueHeadCount), ("head dimension", headDimension),
      ("feed-forward size", feedForwardSize), ("vocabulary", vocabularyRows),
      ("context length", contextLength),
    ]
    for (name, size) in sizes where !(1...(1 << 24)).contains(size) {
      throw WeightmillError(.malformed, location, "the \(name) \(size) is impossible")
    }
    guard (1...10_000).contains(layerCount) else {
      throw WeightmillError(
        .malformed, location, "the number of layers \(layerCount) is impossible")
    }
    guard headCount % keyValueHeadCount == 0, headDimension % 2 == 0 else {
      throw WeightmillError(
        .malformed, location,
        "\(headCount) heads of \(headDimension) do not go with \(keyValueHeadCount) key-value heads"
      )
    }
    // Rows of a head are read together; 2^26 values are 32 times those of the largest models.
    guard headDimension * hiddenSize <= 1 << 26, feedForwardSize <= 1 << 22 else {
      throw WeightmillError(
        .unsupported, location,
        "heads of \(headDimension) in a width of \(hiddenSize) are too large")
    }
    guard normEpsilon > 0, normEpsilon < 1, ropeBase > 1, ropeBase.isFinite else {
      throw WeightmillError(
        .malformed, location, "the constants \(normEpsilon) and \(ropeBase) are impossible")
    }
    return self
  }

  /// Reads a Hugging Face `config.json`.
  ///
  /// Keys of other architectures that some checkpoints carry along (`layer_norm_eps`,
  /// `rotary_pct` …) are ignored.
  ///
  /// - Parameters:
  ///   - json: The content of the file.
  ///   - location: The file, for messages.
  ///   - types: Other model types whose language model is LLaMA's.
  /// - Throws: `unsupported` for other architectures, `malformed` for missing or impossible values.
  package init(
    huggingFace json: JSONValue, location: String, alsoNamed types: Set<String> = []
  ) throws(WeightmillError) {
    let fields = try ConfigurationFields(json, location: location)
    let architecture = try fields.architecture(alsoNamed: types)
    let ropeBase = try fields.ropeBase()
    try fields.refuseBiases(beside: architecture)
    if let activation = try fields.text("hidden_act"), activation != "silu" {
      throw WeightmillError(
        .unsupported, location, "uses the activation \(quoted(activation)); only silu is supported")
    }
    try fields.refuseQuantization()
    let heads = try fields.requiredSize("num_attention_heads")
    let hidden = try fields.requiredSize("hidden_size")
    self = try LlamaConfiguration(
      architecture: architecture, hiddenSize: hidden,
      layerCount: fields.requiredSize("num_hidden_layers"), headCount: heads,
      keyValueHeadCount: fields.size("num_key_value_heads") ?? heads,
      headDimension: fields.size("head_dim") ?? hidden / max(heads, 1),
      feedForwardSize: fields.requiredSize("intermediate_size"),
      vocabularyRows: fields.requiredSize("vocab_size"),
      contextLength: fields.size("max_position_embeddings") ?? 2048,
      normEpsilon: fields.number("rms_norm_eps") ?? 1e-6,
      ropeBase: ropeBase,
      tiesEmbeddings: fields.flag("tie_word_embeddings") ?? false
    ).checked(location: location)
  }

  /// The part of Meta's `params.json` that holds the sizes: newer files keep them one level down.
  ///
  /// - Parameter json: The content of the file.
  /// - Returns: The object with the sizes, or the whole content.
  package static func metaFields(_ json: JSONValue) -> JSONValue {
    json.object?["dim"] == nil ? json.object?["model"] ?? json : json
  }

  /// Reads Meta's `params.json`; sizes it does not tell are taken from the tensors.
  ///
  /// - Parameters:
  ///   - json: The content of the file.
  ///   - location: The file, for messages.
  ///   - tensors: The joined checkpoint's tensors in Meta's names.
  /// - Throws: `malformed` for missing or impossible values.
  package init(
    meta json: JSONValue, location: String, tensors: [TensorDescriptor]
  ) throws(WeightmillError) {
    let fields = try ConfigurationFields(Self.metaFields(json), location: location)
    let dimension = try fields.requiredSize("dim")
    let heads = try fields.requiredSize("n_heads")
    guard try fields.flag("use_scaled_rope") != true else {
      throw WeightmillError(.unsupported, location, "uses scaled rope, which is not supported yet")
    }
    func rows(_ role: TensorRole) throws(WeightmillError) -> Int {
      let name = NamingScheme.meta.name(of: role, in: .llama)
      guard let tensor = tensors.first(where: { $0.name == name }) else {
        throw WeightmillError(.mismatch, location, "the checkpoint lacks tensor \(quoted(name))")
      }
      return tensor.shape.rows
    }
    self = try LlamaConfiguration(
      architecture: .llama, hiddenSize: dimension, layerCount: fields.requiredSize("n_layers"),
      headCount: heads,
      keyValueHeadCount: fields.size("n_kv_heads") ?? heads,
      headDimension: dimension / max(heads, 1), feedForwardSize: rows(.layer(0, .gate)),
      vocabularyRows: rows(.tokenEmbedding),
      // Meta's files do not say; LLaMA 1 was trained on 2048 tokens.
      contextLength: fields.size("max_seq_len") ?? 2048,
      normEpsilon: fields.requiredNumber("norm_eps"),
      ropeBase: fields.number("rope_theta") ?? 10_000
    ).checked(location: location)
  }
}

/// Typed access to the fields of a configuration file.
private struct ConfigurationFields {
  let object: JSONObject
  let location: String

  init(_ json: JSONValue, location: String) throws(WeightmillError) {
    guard let object = json.object else {
      throw WeightmillError(.malformed, location, "is not a JSON object")
    }
    self.object = object
    self.location = location
  }

  func size(_ name: String) throws(WeightmillError) -> Int? {
    guard let value = object.nonNull(name) else { return nil }
    guard let size = value.integer, size >= 0 else {
      throw WeightmillError(.malformed, location, "\(quoted(name)) is not a size")
    }
    return size
  }

  func requiredSize(_ name: String) throws(WeightmillError) -> Int {
    guard let size = try size(name) else {
      throw WeightmillError(.malformed, location, "does not say \(quoted(name))")
    }
    return size
  }

  func number(_ name: String) throws(WeightmillError) -> Double? {
    guard let value = object.nonNull(name) else { return nil }
    guard let number = value.double else {
      throw WeightmillError(.malformed, location, "\(quoted(name)) is not a number")
    }
    return number
  }

  /// The architecture that is named; files that name none are LLaMA's.
  func architecture(alsoNamed types: Set<String>) throws(WeightmillError) -> Architecture {
    guard let type = try text("model_type"), !types.contains(type) else { return .llama }
    guard let architecture = Architecture.ofHuggingFace(type: type) else {
      throw WeightmillError(
        .unsupported, location,
        "is of model type \(quoted(type)); \(Architecture.onlySupported(\.huggingFaceType))")
    }
    return architecture
  }

  /// Biases that the file speaks of are refused where the architecture has none.
  func refuseBiases(beside architecture: Architecture) throws(WeightmillError) {
    let flags: [(String, Set<TensorRole.LayerTensor>)] = [
      ("attention_bias", TensorRole.LayerTensor.attentionBiases),
      ("mlp_bias", TensorRole.LayerTensor.feedForwardBiases),
    ]
    for (name, biases) in flags
    where try flag(name) == true && !biases.isSubset(of: architecture.layerTensors) {
      throw WeightmillError(.unsupported, location, "uses \(name), which is not supported yet")
    }
  }

  /// The base of the rotary angles, where older files and transformers 5 keep it; scaling of the
  /// angles is refused, not ignored.
  func ropeBase() throws(WeightmillError) -> Double {
    for name in ["rope_scaling", "rope_parameters"] {
      guard let value = object.nonNull(name) else { continue }
      let rope = try ConfigurationFields(value, location: location)
      let (new, old) = (try rope.text("rope_type"), try rope.text("type"))
      // Without a type there must be nothing to scale by.
      let isPlain = rope.object.members.allSatisfy { $0.name == "rope_theta" }
      guard let type = new ?? old ?? (isPlain ? "default" : nil), type == "default" else {
        throw WeightmillError(
          .unsupported, location,
          "uses \(name) of type \(quoted(new ?? old ?? "unknown")), which is not supported yet")
      }
      if let base = try rope.number("rope_theta") { return base }
    }
    return try number("rope_theta") ?? 10_000
  }

  /// Weights that need the scales of GPTQ, AWQ, bitsandbytes or FP8 recipes are refused.
  func refuseQuantization() throws(WeightmillError) {
    guard let value = object.nonNull("quantization_config") else { return }
    let method = try ConfigurationFields(value, location: location).text("quant_method")
    throw WeightmillError(
      .unsupported, location,
      "says that the weights are quantized (\(quoted(method ?? "no method named")))",
      remedy: "start from the model before it was quantized, or from a GGUF file of it")
  }

  func requiredNumber(_ name: String) throws(WeightmillError) -> Double {
    guard let number = try number(name) else {
      throw WeightmillError(.malformed, location, "does not say \(quoted(name))")
    }
    return number
  }

  func flag(_ name: String) throws(WeightmillError) -> Bool? {
    guard let value = object.nonNull(name) else { return nil }
    guard let flag = value.bool else {
      throw WeightmillError(.malformed, location, "\(quoted(name)) is not true or false")
    }
    return flag
  }

  func text(_ name: String) throws(WeightmillError) -> String? {
    guard let value = object.nonNull(name) else { return nil }
    guard let text = value.string else {
      throw WeightmillError(.malformed, location, "\(quoted(name)) is not a text")
    }
    return text
  }
}
