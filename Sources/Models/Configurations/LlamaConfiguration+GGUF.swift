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
    let hidden = try required(.embeddingLength)
    let heads = try required(.headCount)
    self = try LlamaConfiguration(
      architecture: architecture, hiddenSize: hidden, layerCount: required(.blockCount),
      headCount: heads, keyValueHeadCount: size(.keyValueHeadCount) ?? heads,
      headDimension: size(.keyLength) ?? hidden / max(heads, 1),
      feedForwardSize: required(.feedForwardLength), vocabularyRows: embedding.shape.rows,
      contextLength: required(.contextLength), normEpsilon: epsilon, ropeBase: ropeBase,
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
        "is of architecture \(quoted(name ?? "none")); \(Architecture.onlySupported(\.name))")
    }
    if let scaling = metadata[architecture.name(of: .ropeScalingType)], scaling.string != "none" {
      throw WeightmillError(
        .unsupported, location,
        "uses rope scaling \(quoted(scaling.string ?? "?")), which is not supported yet")
    }
    for factors in TensorRole.RopeFactors.allCases where !architecture.ropeFactors.contains(factors)
    {
      let name = NamingScheme.gguf.name(of: .ropeFactors(factors), in: architecture)
      guard catalogue.tensors.contains(where: { $0.name == name }) else { continue }
      throw WeightmillError(
        .unsupported, location,
        "has \(name)\(factors == .all ? " (Llama 3.1)" : ""), which is not supported yet")
    }
    return architecture
  }
}
