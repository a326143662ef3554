package import WeightmillGGUF
import WeightmillLLaMA
package import WeightmillTensors
import WeightmillTokenization

/// What is wrong with the metadata of a GGUF file: what llama.cpp would refuse, or take for something else.
package struct MetadataRules {
  /// Something that is wrong.
  package struct Problem: Hashable, Sendable {
    /// The key.
    package let key: String
    /// What is wrong with its value.
    package let text: String
  }

  private let metadata: GGUFMetadata
  private let tensors: [TensorDescriptor]
  private let isPart: Bool
  private var found: [Problem] = []

  /// Finds what is wrong.
  ///
  /// - Parameters:
  ///   - metadata: The metadata.
  ///   - tensors: The tensors of the file.
  /// - Returns: The problems, in the order of the rules.
  package static func problems(
    _ metadata: GGUFMetadata, _ tensors: [TensorDescriptor]
  ) -> [Problem] {
    var rules = MetadataRules(metadata, tensors)
    rules.checkTypes()
    rules.checkRequiredKeys()
    rules.checkVocabulary()
    rules.checkSpecialTokens()
    rules.checkPreTokenizer()
    rules.checkSizes()
    return rules.found
  }

  private init(_ metadata: GGUFMetadata, _ tensors: [TensorDescriptor]) {
    self.metadata = metadata
    self.tensors = tensors
    isPart = (metadata["split.count"]?.integer ?? 0) > 1
  }

  private mutating func add(_ key: String, _ text: String) {
    found.append(Problem(key: key, text: text))
  }

  /// The architecture, if its layers are known here.
  private var architecture: Architecture? {
    metadata["general.architecture"]?.string.flatMap { Architecture.named($0) }
  }

  private mutating func checkTypes() {
    let architecture = metadata["general.architecture"]?.string
    for entry in metadata.entries {
      guard let types = KnownKeys.types(of: entry.key, architecture: architecture) else { continue }
      let type = ValueType(of: entry.value)
      guard !types.contains(type) else { continue }
      add(
        entry.key,
        types.isDemanded
          ? "is of type \(type.name); llama.cpp reads \(types.names) only and refuses the file"
          : "is of type \(type.name); it is written as \(types.names)")
    }
  }

  /// Keys without which llama.cpp does not load a model of an architecture that is known here.
  private mutating func checkRequiredKeys() {
    // Adapters, projectors and files of importance have no layers, and other keys.
    guard !tensors.isEmpty, metadata["general.type"]?.string ?? "model" == "model", !isLaterPart
    else { return }
    guard let name = metadata["general.architecture"]?.string else {
      return add("general.architecture", "is missing: llama.cpp refuses the file")
    }
    guard let architecture = Architecture.named(name) else { return }
    let keys: [Architecture.Key] = [
      .contextLength, .embeddingLength, .blockCount, .headCount, .normEpsilon,
    ]
    for key in keys.map(architecture.name(of:)) where metadata[key] == nil {
      add(key, "is missing: llama.cpp refuses the file")
    }
    guard let model = metadata["tokenizer.ggml.model"] else {
      return add("tokenizer.ggml.model", "is missing: llama.cpp refuses the file")
    }
    if metadata["tokenizer.ggml.tokens"] == nil, !Self.isNoVocabulary(model) {
      add("tokenizer.ggml.tokens", "is missing: llama.cpp refuses the file")
    }
  }

  private var isLaterPart: Bool { isPart && metadata["split.no"]?.integer != 0 }

  private static func isNoVocabulary(_ model: GGUFValue) -> Bool {
    ["no_vocab", "none"].contains(model.string)
  }

  private mutating func checkVocabulary() {
    guard let tokens = metadata["tokenizer.ggml.tokens"]?.array else { return }
    for key in ["tokenizer.ggml.scores", "tokenizer.ggml.token_type"] {
      guard let count = metadata[key]?.array?.count, count != tokens.count else { continue }
      add(key, "has \(count) elements, but there are \(tokens.count) tokens")
    }
    let kinds = metadata["tokenizer.ggml.token_type"]?.array ?? []
    if let index = kinds.firstIndex(where: { !(0...6).contains($0.integer ?? -1) }) {
      add(
        "tokenizer.ggml.token_type",
        "says \(ValueText.text(kinds[index])) of token \(index); kinds are from 0 to 6")
    }
    if let embedding = tensors.first(where: { $0.name == "token_embd.weight" }),
      embedding.shape.rows != tokens.count
    {
      add(
        "tokenizer.ggml.tokens",
        "has \(tokens.count) elements, but token_embd.weight has \(embedding.shape.rows) rows")
    }
  }

  private mutating func checkSpecialTokens() {
    guard let tokens = metadata["tokenizer.ggml.tokens"]?.array else { return }
    for role in SpecialTokenRole.all {
      guard let id = metadata[role.key]?.integer, !tokens.indices.contains(id) else { continue }
      add(role.key, "is \(id), but the ids of tokens end at \(tokens.count - 1)")
    }
    let suppressed = metadata["tokenizer.ggml.suppress_tokens"]?.array ?? []
    for value in suppressed where !tokens.indices.contains(value.integer ?? -1) {
      return add(
        "tokenizer.ggml.suppress_tokens",
        "names token \(ValueText.text(value)), but the ids of tokens end at \(tokens.count - 1)")
    }
  }

  /// Names that llama.cpp knows beside those whose cuts are known here.
  private static let furtherNames: Set<String> = [
    "default", "afmoe", "bloom", "chameleon", "exaone-moe", "falcon", "gemma4", "gpt3-finnish",
    "granite-embed-multi-311m", "hy_v4", "jina-v1-en", "jina-v2-code", "kimi-k2", "poro-chat",
    "roberta-bpe", "sarvam-moe", "spark2_5", "superbpe", "viking", "whitespace",
  ]

  private mutating func checkPreTokenizer() {
    guard ["gpt2", "hybriddna", "whitespace"].contains(metadata["tokenizer.ggml.model"]?.string),
      let name = metadata["tokenizer.ggml.pre"]?.string, NamedSplit.named(name) == nil,
      !Self.furtherNames.contains(name)
    else { return }
    add(
      "tokenizer.ggml.pre",
      "is \(quoted(name)), which llama.cpp does not know: it refuses the file")
  }

  /// What the tensors say, too.
  private mutating func checkSizes() {
    guard let architecture else { return }
    func name(_ key: Architecture.Key) -> String { architecture.name(of: key) }
    if let width = metadata[name(.embeddingLength)]?.integer,
      let embedding = tensors.first(where: { $0.name == "token_embd.weight" }),
      embedding.shape.columns != width
    {
      add(
        name(.embeddingLength),
        "is \(width), but rows of token_embd.weight have \(embedding.shape.columns) values")
    }
    let layers = tensors.compactMap { Self.layer($0.name) }.max().map { $0 + 1 }
    if let count = metadata[name(.blockCount)]?.integer, let layers, !isPart, count != layers {
      add(name(.blockCount), "is \(count), but there are tensors of \(layers) layers")
    }
    for key in [Architecture.Key.contextLength, .headCount] where metadata[name(key)]?.integer == 0
    {
      add(name(key), "is 0")
    }
    if let heads = metadata[name(.headCount)]?.integer,
      let shared = metadata[name(.keyValueHeadCount)]?.integer, shared > 0, heads % shared != 0
    {
      add(name(.keyValueHeadCount), "is \(shared), of which \(heads) heads are no multiple")
    }
    for key in [Architecture.Key.normEpsilon, .ropeBase] {
      guard let number = metadata[name(key)]?.double, !(number > 0 && number.isFinite) else {
        continue
      }
      add(name(key), "is \(number); it must be above 0")
    }
  }

  /// The number of the layer in a tensor's name.
  private static func layer(_ name: String) -> Int? {
    guard name.hasPrefix("blk.") else { return nil }
    return Int(name.dropFirst(4).prefix { $0 != "." })
  }
}
