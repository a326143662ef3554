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
    guard scales.all.allSatisfy({ $0 > 0 && $0 <= 1e6 }) else {
      throw WeightmillError(.malformed, location, "scales something by an impossible number")
    }
    guard !tiesEmbeddings || !architecture.requiresOutput else {
      throw WeightmillError(
        .unsupported, location,
        "has no output matrix, without which GGUF files of the architecture \(architecture.name) "
          + "are not read")
    }
    try rotaryScaling.check(self, location: location)
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
    if let activation = try fields.text("hidden_act"), activation != "silu" {
      throw WeightmillError(
        .unsupported, location, "uses the activation \(quoted(activation)); only silu is supported")
    }
    let heads = try fields.requiredSize("num_attention_heads")
    let hidden = try fields.requiredSize("hidden_size")
    let context = try fields.size("max_position_embeddings") ?? 2048
    let head = try fields.size("head_dim") ?? hidden / max(heads, 1)
    let layers = try fields.requiredSize("num_hidden_layers")
    let rotary = try fields.rotaryAngles(contextLength: context)
    try fields.checkUnrotatedLayers(of: architecture, layers: layers)
    self = try LlamaConfiguration(
      architecture: architecture, hiddenSize: hidden, layerCount: layers, headCount: heads,
      keyValueHeadCount: fields.size("num_key_value_heads") ?? heads,
      headDimension: head, feedForwardSize: fields.requiredSize("intermediate_size"),
      vocabularyRows: fields.requiredSize("vocab_size"), contextLength: context,
      normEpsilon: fields.number("rms_norm_eps") ?? 1e-6,
      ropeBase: rotary.base, rotaryScaling: rotary.scaling,
      scales: fields.scales(of: architecture, width: hidden, layers: layers),
      biases: fields.biases(of: architecture),
      tiesEmbeddings: fields.flag("tie_word_embeddings") ?? architecture.tiesByDefault
    ).checked(location: location)
  }

  /// The part of Meta's `params.json` that holds the sizes: newer files keep them one level down.
  ///
  /// - Parameter json: The content of the file.
  /// - Returns: The object with the sizes, or the whole content.
  package static func metaFields(_ json: JSONValue) -> JSONValue {
    json.object?["dim"] == nil ? json.object?["model"] ?? json : json
  }

  /// Reads Meta's `params.json`, or Mistral's; sizes it does not tell are taken from the tensors.
  ///
  /// - Parameters:
  ///   - json: The content of the file.
  ///   - location: The file, for messages.
  ///   - tensors: The joined checkpoint's tensors in Meta's names.
  /// - Throws: `malformed` for missing or impossible values, `unsupported` for what is not computed.
  package init(
    meta json: JSONValue, location: String, tensors: [TensorDescriptor]
  ) throws(WeightmillError) {
    let fields = try ConfigurationFields(Self.metaFields(json), location: location)
    try fields.refuseMistralsFurtherParts()
    let dimension = try fields.requiredSize("dim")
    let heads = try fields.requiredSize("n_heads")
    func rows(_ role: TensorRole) throws(WeightmillError) -> Int {
      let name = NamingScheme.meta.name(of: role, in: .llama)
      guard let tensor = tensors.first(where: { $0.name == name }) else {
        throw WeightmillError(.mismatch, location, "the checkpoint lacks tensor \(quoted(name))")
      }
      return tensor.shape.rows
    }
    let context = try fields.metaContextLength()
    self = try LlamaConfiguration(
      architecture: .llama, hiddenSize: dimension, layerCount: fields.requiredSize("n_layers"),
      headCount: heads,
      keyValueHeadCount: fields.size("n_kv_heads") ?? heads,
      headDimension: fields.size("head_dim") ?? dimension / max(heads, 1),
      feedForwardSize: rows(.layer(0, .gate)), vocabularyRows: rows(.tokenEmbedding),
      contextLength: context, normEpsilon: fields.requiredNumber("norm_eps"),
      ropeBase: fields.number("rope_theta") ?? 10_000,
      rotaryScaling: fields.metaScaling(width: dimension, contextLength: context)
    ).checked(location: location)
  }
}
