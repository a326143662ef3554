package import WeightmillGGUF
package import WeightmillTensors
package import WeightmillTokenization

extension ModelTokenizer {
  /// Reads the tokenizer from a GGUF file's metadata; `nil` when it holds none of a kind that is
  /// read.
  ///
  /// - Parameters:
  ///   - metadata: The metadata.
  ///   - location: The file, for messages.
  ///   - name: llama.cpp's name for the way byte pairs cut text, whatever the file says.
  /// - Throws: `malformed` when keys are of other types than they must be, or contradict each other;
  ///   `unsupported` for ways of cutting that are not known, `usage` for a name that has no use.
  package init?(
    gguf metadata: GGUFMetadata, location: String, cutAsIn name: String? = nil
  ) throws(WeightmillError) {
    guard let kind = metadata["tokenizer.ggml.model"]?.string.flatMap(Kind.init) else { return nil }
    let keys = TokenizerKeys(metadata: metadata, location: location)
    switch kind {
    case .sentencePiece:
      if name != nil { throw TokenizerFiles.uncut(location) }
      guard let vocabulary = try Vocabulary(keys, defaults: .sentencePiece) else { return nil }
      self = .sentencePiece(Tokenizer(vocabulary))
    case .bytePairs:
      // Without a name llama.cpp cuts by a default.
      let stored = try keys.text("pre")
      let name = name ?? stored ?? "default"
      let defaults = SpecialDefaults.bytePairs(addsBOS: NamedSplit.named(name)?.addsBOS ?? false)
      guard let vocabulary = try Vocabulary(keys, defaults: defaults) else { return nil }
      guard let merges = try keys.texts("merges") else {
        throw keys.fault("has a byte-pair vocabulary without merges")
      }
      self = .bytePairs(
        BPETokenizer(
          try BPEVocabulary(
            stored: vocabulary, merges: merges, cutAsIn: name, location: location)))
    }
  }
}

/// What llama.cpp takes for roles that a file does not name.
private struct SpecialDefaults {
  let bos: Int
  let eos: Int
  let unknown: Int?
  let addsBOS: Bool
  let addsSpacePrefix: Bool

  static let sentencePiece = SpecialDefaults(
    bos: 1, eos: 2, unknown: 0, addsBOS: true, addsSpacePrefix: true)

  static func bytePairs(addsBOS: Bool) -> SpecialDefaults {
    SpecialDefaults(bos: 11, eos: 11, unknown: nil, addsBOS: addsBOS, addsSpacePrefix: false)
  }
}

extension Vocabulary {
  /// Reads a vocabulary; `nil` when there are no tokens.
  ///
  /// A value of another type than expected is an error, never a default (rule GG-11).
  fileprivate init?(
    _ keys: TokenizerKeys, defaults: SpecialDefaults
  ) throws(WeightmillError) {
    guard let texts = keys.metadata["tokenizer.ggml.tokens"]?.array else { return nil }
    guard !texts.isEmpty else { throw keys.fault("has a vocabulary without tokens") }
    let scores = try keys.list("scores", of: [.float32], count: texts.count)
    let kinds = try keys.list("token_type", of: [.int32, .uint32], count: texts.count)
    var tokens: [Token] = []
    for (id, value) in texts.enumerated() {
      guard let text = value.string else { throw keys.fault("token \(id) is not a text") }
      guard let score = scores.map({ $0[id].double }) ?? 0, Float(score).isFinite else {
        throw keys.fault("the score of token \(id) is not a number")
      }
      guard let code = kinds.map({ $0[id].integer }) ?? 1 else {
        throw keys.fault("the type of token \(id) is not an integer")
      }
      // 0 is ggml's "undefined".
      guard let kind = code == 0 ? .normal : Kind(rawValue: Int32(clamping: code)) else {
        throw keys.fault("token \(id) is of the unknown type \(code)")
      }
      let token = Token(text: text, score: Float(score), kind: kind)
      guard kind != .byte || token.byte != nil else {
        throw keys.fault("the byte token \(quoted(text)) is malformed")
      }
      tokens.append(token)
    }
    self.init(tokens: tokens, special: try Special(keys, defaults, count: tokens.count))
  }
}

extension Vocabulary.Special {
  /// The roles that the metadata gives, or else llama.cpp's defaults, where there are such tokens.
  fileprivate init(
    _ keys: TokenizerKeys, _ defaults: SpecialDefaults, count: Int
  ) throws(WeightmillError) {
    func id(_ name: String, orElse other: Int?) throws(WeightmillError) -> Int? {
      try keys.id(name, count: count) ?? other.flatMap { $0 < count ? $0 : nil }
    }
    self.init(
      bos: try id("bos", orElse: defaults.bos), eos: try id("eos", orElse: defaults.eos),
      unknown: try id("unknown", orElse: defaults.unknown),
      padding: try keys.id("padding", count: count))
    addsBOS = try keys.flag("add_bos_token") ?? defaults.addsBOS
    addsEOS = try keys.flag("add_eos_token") ?? false
    addsSpacePrefix = try keys.flag("add_space_prefix") ?? defaults.addsSpacePrefix
    if let prefix = try keys.id("prefix", count: count),
      let suffix = try keys.id("suffix", count: count),
      let middle = try keys.id("middle", count: count), let end = try keys.id("eot", count: count)
    {
      gap = Gap(prefix: prefix, suffix: suffix, middle: middle, end: end)
    }
  }
}

/// Typed access to the keys of a tokenizer.
private struct TokenizerKeys {
  let metadata: GGUFMetadata
  let location: String

  func fault(_ problem: String) -> WeightmillError {
    WeightmillError(.malformed, location, problem)
  }

  private func value(_ name: String) -> GGUFValue? { metadata["tokenizer.ggml.\(name)"] }

  /// A list with an element for each token, of one of the types that readers in C take its bytes for.
  func list(
    _ name: String, of kinds: [GGUFValue.Kind], count: Int
  ) throws(WeightmillError) -> [GGUFValue]? {
    guard let value = value(name) else { return nil }
    guard case .array(let kind, let list) = value, list.count == count else {
      throw fault("has token lists of different lengths")
    }
    guard kinds.contains(kind) || list.isEmpty else {
      throw fault("the key \(quoted(name)) is no list of numbers of 32 bits")
    }
    return list
  }

  /// A text; `nil` when there is none.
  func text(_ name: String) throws(WeightmillError) -> String? {
    guard let value = value(name) else { return nil }
    guard let text = value.string else { throw fault("the key \(quoted(name)) is no text") }
    return text
  }

  /// A list of texts; `nil` when there is none.
  func texts(_ name: String) throws(WeightmillError) -> [String]? {
    guard let value = value(name) else { return nil }
    guard let list = value.array else { throw fault("the key \(quoted(name)) is no list") }
    let texts = list.compactMap(\.string)
    guard texts.count == list.count else {
      throw fault("the key \(quoted(name)) holds more than texts")
    }
    return texts
  }

  func id(_ name: String, count: Int) throws(WeightmillError) -> Int? {
    guard let value = value("\(name)_token_id") else { return nil }
    guard let id = value.integer, (0..<count).contains(id) else {
      throw fault("the \(name) token is not in the vocabulary")
    }
    return id
  }

  func flag(_ name: String) throws(WeightmillError) -> Bool? {
    guard let value = value(name) else { return nil }
    guard let flag = value.bool else { throw fault("the key \(quoted(name)) is no truth value") }
    return flag
  }
}
