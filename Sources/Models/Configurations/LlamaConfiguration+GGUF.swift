package import GGUF
package import LLaMA
package import Tensors

extension LlamaConfiguration {
  /// Reads the sizes and constants from a GGUF file's metadata.
  package init(gguf metadata: GGUFMetadata, catalogue: any Catalogue) throws(WeightmillError) {
    let location = catalogue.location
    try Self.refuseUnsupported(metadata, catalogue)
    func size(_ key: String) throws(WeightmillError) -> Int? {
      guard let value = metadata["llama." + key] else { return nil }
      guard let size = value.integer else {
        throw WeightmillError(
          .malformed, location, "the key \(quoted("llama." + key)) is no number")
      }
      return size
    }
    func required(_ key: String) throws(WeightmillError) -> Int {
      guard let size = try size(key) else {
        throw WeightmillError(.malformed, location, "lacks the key \(quoted("llama." + key))")
      }
      return size
    }
    guard let epsilon = metadata["llama.attention.layer_norm_rms_epsilon"]?.double else {
      throw WeightmillError(
        .malformed, location, "lacks the key \"llama.attention.layer_norm_rms_epsilon\"")
    }
    let base = metadata["llama.rope.freq_base"]
    guard let ropeBase = base == nil ? 10_000 : base?.double ?? base?.integer.map(Double.init)
    else {
      throw WeightmillError(.malformed, location, "the key \"llama.rope.freq_base\" is no number")
    }
    let names = TensorRole.all(layerCount: 0).map { NamingScheme.gguf.name(of: $0) }
    guard let embedding = catalogue.tensors.first(where: { $0.name == names[0] }) else {
      throw WeightmillError(.mismatch, location, "lacks the tensor \(quoted(names[0]))")
    }
    let hidden = try required("embedding_length")
    let heads = try required("attention.head_count")
    self = try LlamaConfiguration(
      hiddenSize: hidden, layerCount: required("block_count"), headCount: heads,
      keyValueHeadCount: size("attention.head_count_kv") ?? heads,
      headDimension: size("attention.key_length") ?? hidden / max(heads, 1),
      feedForwardSize: required("feed_forward_length"), vocabularyRows: embedding.shape.rows,
      contextLength: required("context_length"), normEpsilon: epsilon,
      ropeBase: ropeBase,
      tiesEmbeddings: !catalogue.tensors.contains { $0.name == NamingScheme.gguf.name(of: .output) }
    ).checked(location: location)
    if let turned = try size("rope.dimension_count"), turned != headDimension {
      throw WeightmillError(
        .unsupported, location, "turns \(turned) of each head's \(headDimension) values")
    }
  }

  private static func refuseUnsupported(
    _ metadata: GGUFMetadata, _ catalogue: any Catalogue
  ) throws(WeightmillError) {
    let location = catalogue.location
    let architecture = metadata["general.architecture"]?.string
    guard architecture == "llama" else {
      throw WeightmillError(
        .unsupported, location,
        "is of architecture \(quoted(architecture ?? "none")); only llama is supported")
    }
    if let scaling = metadata["llama.rope.scaling.type"], scaling.string != "none" {
      throw WeightmillError(
        .unsupported, location,
        "uses rope scaling \(quoted(scaling.string ?? "?")), which is not supported yet")
    }
    if catalogue.tensors.contains(where: {
      $0.name == NamingScheme.gguf.name(of: .rotaryFrequencies(0))
    }) {
      throw WeightmillError(
        .unsupported, location, "has rope_freqs.weight (Llama 3.1), which is not supported yet")
    }
  }
}
