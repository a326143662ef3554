package import WeightmillGGUF
package import WeightmillLLaMA
package import WeightmillTensors

extension LlamaConfiguration {
  /// Reads the architecture, the sizes and constants from a GGUF file's metadata.
  package init(gguf metadata: GGUFMetadata, catalogue: any Catalogue) throws(WeightmillError) {
    let location = catalogue.location
    let architecture = try Self.architecture(metadata, catalogue)
    func size(_ key: Architecture.Key) throws(WeightmillError) -> Int? {
      let name = architecture.name(of: key)
      guard let value = metadata[name] else { return nil }
      guard let size = value.integer else {
        throw WeightmillError(.malformed, location, "the key \(quoted(name)) is no number")
      }
      return size
    }
    func missing(_ key: Architecture.Key) -> WeightmillError {
      WeightmillError(
        .malformed, location, "lacks the key \(quoted(architecture.name(of: key)))")
    }
    func required(_ key: Architecture.Key) throws(WeightmillError) -> Int {
      guard let size = try size(key) else { throw missing(key) }
      return size
    }
    guard let epsilon = metadata[architecture.name(of: .normEpsilon)]?.double else {
      throw missing(.normEpsilon)
    }
    func number(_ key: Architecture.Key) throws(WeightmillError) -> Double? {
      try metadata.number(architecture.name(of: key), location: location)
    }
    func tensor(_ role: TensorRole) -> TensorDescriptor? {
      let name = NamingScheme.gguf.name(of: role, in: architecture)
      return catalogue.tensors.first { $0.name == name }
    }
    guard let embedding = tensor(.tokenEmbedding) else {
      let name = NamingScheme.gguf.name(of: .tokenEmbedding, in: architecture)
      throw WeightmillError(.mismatch, location, "lacks the tensor \(quoted(name))")
    }
    let (hidden, context) = (try required(.embeddingLength), try required(.contextLength))
    let scaling = try RotaryScaling(
      gguf: metadata, of: architecture, contextLength: context,
      hasFactors: tensor(.ropeFactors(.long)) != nil, location: location)
    let (heads, layers) = (try required(.headCount), try required(.blockCount))
    let head = try size(.keyLength) ?? hidden / max(heads, 1)
    let window = try Self.window(metadata, architecture, location: location)
    let usualLocalBase = window == nil ? nil : architecture.windows?.localRopeBase
    self = try LlamaConfiguration(
      architecture: architecture, hiddenSize: hidden, layerCount: layers,
      headCount: heads, keyValueHeadCount: size(.keyValueHeadCount) ?? heads,
      headDimension: head,
      feedForwardSize: required(.feedForwardLength), vocabularyRows: embedding.shape.rows,
      contextLength: context, normEpsilon: epsilon, ropeBase: number(.ropeBase) ?? 10_000,
      rotaryDimension: size(.ropeDimensionCount), window: window,
      localRopeBase: usualLocalBase == nil ? nil : number(.localRopeBase) ?? usualLocalBase,
      originalContextLength: architecture.impliesRopeScaling
        ? size(.ropeOriginalContextLength) : nil,
      rotaryScaling: scaling,
      scales: ModelScales(
        gguf: metadata, of: architecture,
        ModelShape(width: hidden, layers: layers, heads: heads, head: head), location: location),
      tiesEmbeddings: tensor(.output) == nil
    ).checked(location: location)
  }

  /// The window of attention that a file says.
  private static func window(
    _ metadata: GGUFMetadata, _ architecture: Architecture, location: String
  ) throws(WeightmillError) -> Int? {
    guard let windows = architecture.windows else { return nil }
    let pattern = metadata[architecture.name(of: .slidingWindowPattern)]
    guard pattern == nil || (pattern?.integer != nil && pattern?.integer == windows.interval) else {
      throw WeightmillError(
        .unsupported, location,
        "has windows of attention in other layers than usual "
          + "(\(architecture.name(of: .slidingWindowPattern)))")
    }
    let name = architecture.name(of: .slidingWindow)
    guard let value = metadata[name] else { return windows.usualSizeInGGUF }
    guard let size = value.integer else {
      throw WeightmillError(.malformed, location, "the key \(quoted(name)) is no number")
    }
    // Zero is how files say that there is none.
    return size == 0 ? nil : size
  }

  /// The architecture that a file names, if all that the file says of it is supported.
  private static func architecture(
    _ metadata: GGUFMetadata, _ catalogue: any Catalogue
  ) throws(WeightmillError) -> Architecture {
    let location = catalogue.location
    let name = metadata["general.architecture"]?.string
    guard let known = name.flatMap(Architecture.named) else {
      throw WeightmillError(
        .unsupported, location,
        "is of architecture \(quoted(name ?? "none")); \(Architecture.onlySupported(name, \.name))")
    }
    let fused = NamingScheme.gguf.name(of: .layer(0, .queryKeyValue), in: known)
    let architecture =
      catalogue.tensors.contains { $0.name == fused } ? known.fusingQueries : known
    for factors in TensorRole.RopeFactors.allCases where !architecture.ropeFactors.contains(factors)
    {
      let name = NamingScheme.gguf.name(of: .ropeFactors(factors), in: architecture)
      guard catalogue.tensors.contains(where: { $0.name == name }) else { continue }
      throw WeightmillError(
        .unsupported, location,
        "has \(name), which files of the architecture \(architecture.name) do not have")
    }
    return architecture
  }
}

extension Checkpoint {
  /// Whether it may hold a model that Weightmill computes: every checkpoint, but a GGUF file of an
  /// architecture that is not known, or with experts.
  package var isOfKnownArchitecture: Bool {
    guard let metadata else { return true }
    guard let architecture = metadata["general.architecture"]?.string.flatMap(Architecture.named)
    else { return false }
    return (metadata[architecture.name(of: .expertCount)]?.integer ?? 0) == 0
  }
}

extension ModelScales {
  /// Reads what a GGUF file says of what its model multiplies.
  fileprivate init(
    gguf metadata: GGUFMetadata, of architecture: Architecture, _ shape: ModelShape,
    location: String
  ) throws(WeightmillError) {
    self.init()
    func number(_ key: Architecture.Key) throws(WeightmillError) -> Double? {
      let number = try metadata.number(architecture.name(of: key), location: location)
      // Zero is how files say that there is none.
      return number == 0 ? nil : number
    }
    try readCaps(metadata, architecture, location: location)
    switch architecture.scaleFields {
    case .none: return
    case .gemma:
      self = gemmas(of: architecture, shape)
      return
    case .miniCPM, .granite: break
    }
    let found = (
      try number(.embeddingScale), try number(.residualScale), try number(.logitScale)
    )
    // Of MiniCPM's files without the keys, programs do not agree what they mean.
    if architecture.scaleFields == .miniCPM,
      found.0 == nil || found.1 == nil || found.2 == nil
    {
      throw WeightmillError(
        .unsupported, location, "lacks the keys of scales that a model like this has",
        remedy: "convert the model again")
    }
    embedding = found.0 ?? 1
    residual = found.1 ?? 1
    logit = found.2 ?? 1
    attention = try number(.attentionScale)
  }

  /// Reads the caps of scores and logits, of architectures that have them.
  private mutating func readCaps(
    _ metadata: GGUFMetadata, _ architecture: Architecture, location: String
  ) throws(WeightmillError) {
    guard let caps = architecture.caps else { return }
    func number(_ key: Architecture.Key) throws(WeightmillError) -> Double? {
      try metadata.number(architecture.name(of: key), location: location)
    }
    let said = try number(.logitCap)
    if caps.areRequired {
      // Zero is no cap that could be computed with.
      attentionCap = try number(.attentionCap) ?? caps.usualAttention
      logitCap = said ?? caps.usualLogit
    } else {
      logitCap = said == 0 ? nil : said
    }
  }
}

extension GGUFMetadata {
  /// A number of any type.
  ///
  /// - Parameters:
  ///   - name: The key.
  ///   - location: The file, for messages.
  /// - Returns: The number, or `nil` when there is no such key.
  /// - Throws: `malformed` for what is no finite number.
  func number(_ name: String, location: String) throws(WeightmillError) -> Double? {
    guard let value = self[name] else { return nil }
    guard let number = value.double ?? value.integer.map(Double.init), number.isFinite else {
      throw WeightmillError(.malformed, location, "the key \(quoted(name)) is no number")
    }
    return number
  }
}
