import GGUF
import LLaMA
import Tensors
import Tokenization

extension LlamaConfiguration {
  /// Reads the sizes and constants from a GGUF file's metadata.
  init(gguf metadata: GGUFMetadata, catalogue: any Catalogue) throws(WeightmillError) {
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

extension Vocabulary {
  /// Reads the vocabulary from a GGUF file's metadata; `nil` when it holds none of this kind.
  init?(gguf metadata: GGUFMetadata, location: String) throws(WeightmillError) {
    guard metadata["tokenizer.ggml.model"]?.string == "llama",
      let texts = metadata["tokenizer.ggml.tokens"]?.array
    else { return nil }
    let scores = metadata["tokenizer.ggml.scores"]?.array
    let kinds = metadata["tokenizer.ggml.token_type"]?.array
    guard scores?.count ?? texts.count == texts.count, kinds?.count ?? texts.count == texts.count
    else {
      throw WeightmillError(.malformed, location, "has token lists of different lengths")
    }
    var tokens: [Token] = []
    for place in texts.indices {
      guard let text = texts[place].string else {
        throw WeightmillError(.malformed, location, "token \(place) is not a text")
      }
      let score = scores?[place].double ?? scores?[place].integer.map(Double.init) ?? 0
      guard score.isFinite else {
        throw WeightmillError(.malformed, location, "the score of token \(place) is not a number")
      }
      let code = Int32(clamping: kinds?[place].integer ?? 1)
      tokens.append(Token(text: text, score: Float(score), kind: Kind(rawValue: code) ?? .normal))
    }
    func id(_ name: String) throws(WeightmillError) -> Int? {
      guard let id = metadata["tokenizer.ggml.\(name)_token_id"]?.integer else { return nil }
      guard tokens.indices.contains(id) else {
        throw WeightmillError(
          .malformed, location, "the \(name) token \(id) is not in the vocabulary")
      }
      return id
    }
    // llama.cpp's defaults, where there are such tokens.
    func id(_ name: String, orElse other: Int) throws(WeightmillError) -> Int? {
      try id(name) ?? (tokens.indices.contains(other) ? other : nil)
    }
    var special = Special(
      bos: try id("bos", orElse: 1), eos: try id("eos", orElse: 2),
      unknown: try id("unknown", orElse: 0), padding: try id("padding"))
    special.addsBOS = metadata["tokenizer.ggml.add_bos_token"]?.bool ?? true
    special.addsEOS = metadata["tokenizer.ggml.add_eos_token"]?.bool ?? false
    special.addsSpacePrefix = metadata["tokenizer.ggml.add_space_prefix"]?.bool ?? true
    self.init(tokens: tokens, special: special)
  }
}
