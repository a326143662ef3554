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
    let baseKey = architecture.name(of: .ropeBase)
    let base = metadata[baseKey]
    guard let ropeBase = base == nil ? 10_000 : base?.double ?? base?.integer.map(Double.init)
    else {
      throw WeightmillError(.malformed, location, "the key \(quoted(baseKey)) is no number")
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
      gguf: metadata, of: architecture, contextLength: context, location: location)
    let heads = try required(.headCount)
    self = try LlamaConfiguration(
      architecture: architecture, hiddenSize: hidden, layerCount: required(.blockCount),
      headCount: heads, keyValueHeadCount: size(.keyValueHeadCount) ?? heads,
      headDimension: size(.keyLength) ?? hidden / max(heads, 1),
      feedForwardSize: required(.feedForwardLength), vocabularyRows: embedding.shape.rows,
      contextLength: context, normEpsilon: epsilon, ropeBase: ropeBase, rotaryScaling: scaling,
      scales: ModelScales(gguf: metadata, of: architecture, location: location),
      tiesEmbeddings: tensor(.output) == nil
    ).checked(location: location)
    if let turned = try size(.ropeDimensionCount), turned != headDimension {
      throw WeightmillError(
        .unsupported, location, "turns \(turned) of each head's \(headDimension) values")
    }
  }

  /// The architecture that a file names, if all that the file says of it is supported.
  private static func architecture(
    _ metadata: GGUFMetadata, _ catalogue: any Catalogue
  ) throws(WeightmillError) -> Architecture {
    let location = catalogue.location
    let name = metadata["general.architecture"]?.string
    guard let architecture = name.flatMap(Architecture.named) else {
      throw WeightmillError(
        .unsupported, location,
        "is of architecture \(quoted(name ?? "none")); \(Architecture.onlySupported(name, \.name))")
    }
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
    gguf metadata: GGUFMetadata, of architecture: Architecture, location: String
  ) throws(WeightmillError) {
    self.init()
    guard architecture.scaleFields != .none else { return }
    func number(_ key: Architecture.Key) throws(WeightmillError) -> Double? {
      let name = architecture.name(of: key)
      guard let value = metadata[name] else { return nil }
      guard let number = value.double else {
        throw WeightmillError(.malformed, location, "the key \(quoted(name)) is no number")
      }
      // Zero is how files say that there is none.
      return number == 0 ? nil : number
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
}
