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
      throw WeightmillError(
        .malformed, location, "scales or caps something by an impossible number")
    }
    try checkAttention(location: location)
    try checkOutput(location: location)
    try rotaryScaling.check(self, location: location)
    return self
  }

  /// Refuses windows, angles and heads that are impossible, or that the architecture does not have.
  private func checkAttention(location: String) throws(WeightmillError) {
    guard (1...headDimension).contains(rotaryDimension), rotaryDimension % 2 == 0 else {
      throw WeightmillError(
        .malformed, location,
        "position angles turn \(rotaryDimension) of each head's \(headDimension) values, which is "
          + "impossible")
    }
    guard rotaryDimension == headDimension || architecture.mayRotatePart else {
      throw WeightmillError(
        .unsupported, location,
        "position angles turn \(rotaryDimension) of each head's \(headDimension) values, which files "
          + "of the architecture \(architecture.name) do not do")
    }
    guard
      [window, originalContextLength].allSatisfy({ $0.map { (1...1 << 30).contains($0) } ?? true }),
      localRopeBase.map({ $0 > 1 && $0.isFinite }) ?? true
    else {
      throw WeightmillError(
        .malformed, location,
        "the window of \(window ?? 0) tokens, its base \(localRopeBase ?? 0) or the original context "
          + "length \(originalContextLength ?? 0) is impossible")
    }
    guard !architecture.headsShareWidth || headDimension * headCount == hiddenSize else {
      throw WeightmillError(
        .unsupported, location,
        "has \(headCount) heads of \(headDimension), not of width / heads as all files of the "
          + "architecture \(architecture.name)")
    }
  }

  private func checkOutput(location: String) throws(WeightmillError) {
    guard !tiesEmbeddings || !architecture.requiresOutput else {
      throw WeightmillError(
        .unsupported, location,
        "has no output matrix, without which GGUF files of the architecture \(architecture.name) "
          + "are not read")
    }
    guard tiesEmbeddings || !architecture.alwaysTies else {
      throw WeightmillError(
        .unsupported, location,
        "has an output matrix of its own, which GGUF files of the architecture \(architecture.name) "
          + "do not have")
    }
  }

  /// The part of a `config.json` that describes the language model: that of a model that sees keeps
  /// it one level down.
  ///
  /// - Parameter json: The content of the file.
  /// - Returns: The object that describes the language model, or the whole content.
  package static func textFields(_ json: JSONValue) -> JSONValue {
    guard let object = json.object, let type = object["model_type"]?.string,
      let architecture = Architecture.all.first(where: { $0.typesWithVision.contains(type) }),
      var text = object.nonNull("text_config")?.object
    else { return json }
    if text.nonNull("model_type") == nil {
      text["model_type"] = .string(architecture.huggingFaceType)
    }
    if text["tie_word_embeddings"] == nil {
      text["tie_word_embeddings"] = object["tie_word_embeddings"]
    }
    return .object(text)
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
    let fields = try ConfigurationFields(Self.textFields(json), location: location)
    let architecture = try fields.architecture(alsoNamed: types)
    try fields.checkActivation(of: architecture)
    /// A size, or what it is in models of this kind that do not say it.
    func size(_ name: String) throws(WeightmillError) -> Int? {
      try fields.size(name) ?? architecture.usualSizes[name]
    }
    func required(_ name: String) throws(WeightmillError) -> Int {
      if let size = try size(name) { return size }
      return try fields.requiredSize(name)
    }
    let heads = try required("num_attention_heads")
    let hidden = try fields.requiredSize("hidden_size")
    let context = try size("max_position_embeddings") ?? 2048
    let head = try size("head_dim") ?? hidden / max(heads, 1)
    let layers = try fields.requiredSize("num_hidden_layers")
    let original = try size("original_max_position_embeddings")
    let rotary = try fields.rotaryAngles(
      of: architecture, contextLength: context, original: original)
    try fields.checkUnrotatedLayers(of: architecture, layers: layers)
    let window = try fields.window(of: architecture, layers: layers)
    self = try LlamaConfiguration(
      architecture: architecture, hiddenSize: hidden, layerCount: layers, headCount: heads,
      keyValueHeadCount: size("num_key_value_heads") ?? heads,
      headDimension: head, feedForwardSize: fields.requiredSize("intermediate_size"),
      vocabularyRows: required("vocab_size"), contextLength: context,
      normEpsilon: fields.number("rms_norm_eps") ?? 1e-6,
      ropeBase: rotary.base, rotaryDimension: rotary.turned(ofHead: head), window: window,
      localRopeBase: window == nil ? nil : rotary.localBase,
      originalContextLength: architecture.impliesRopeScaling ? original : nil,
      rotaryScaling: rotary.scaling,
      scales: fields.scales(
        of: architecture, ModelShape(width: hidden, layers: layers, heads: heads, head: head)),
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
