package import WeightmillGGUF
package import WeightmillTensors
package import WeightmillTokenization

extension ModelTokenizer {
  /// Reads the tokenizer from a GGUF file's metadata; `nil` when it holds none of a kind that is
  /// read.
  package init?(gguf metadata: GGUFMetadata, location: String) throws(WeightmillError) {
    switch metadata["tokenizer.ggml.model"]?.string.flatMap(Kind.init) {
    case .sentencePiece?:
      guard let vocabulary = try Vocabulary(gguf: metadata, location: location) else { return nil }
      self = .sentencePiece(Tokenizer(vocabulary))
    case .bytePairs?, nil: return nil
    }
  }
}

extension Vocabulary {
  /// Reads a SentencePiece vocabulary; `nil` when there are no tokens.
  ///
  /// A value of another type than expected is an error, never a default (rule GG-11).
  fileprivate init?(gguf metadata: GGUFMetadata, location: String) throws(WeightmillError) {
    let keys = TokenizerKeys(metadata: metadata, location: location)
    guard let texts = metadata["tokenizer.ggml.tokens"]?.array else { return nil }
    guard !texts.isEmpty else { throw keys.fault("has a vocabulary without tokens") }
    let scores = try keys.list("scores", count: texts.count)
    let kinds = try keys.list("token_type", count: texts.count)
    var tokens: [Token] = []
    for (id, value) in texts.enumerated() {
      guard let text = value.string else { throw keys.fault("token \(id) is not a text") }
      let score = scores.map { $0[id].double ?? $0[id].integer.map(Double.init) } ?? 0
      guard let score, Float(score).isFinite else {
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
    self.init(tokens: tokens, special: try Special(keys, count: tokens.count))
  }
}

extension Vocabulary.Special {
  /// The roles that the metadata gives, or else llama.cpp's defaults, where there are such tokens.
  fileprivate init(_ keys: TokenizerKeys, count: Int) throws(WeightmillError) {
    func id(_ name: String, orElse other: Int) throws(WeightmillError) -> Int? {
      try keys.id(name, count: count) ?? (other < count ? other : nil)
    }
    self.init(
      bos: try id("bos", orElse: 1), eos: try id("eos", orElse: 2),
      unknown: try id("unknown", orElse: 0), padding: try keys.id("padding", count: count))
    addsBOS = try keys.flag("add_bos_token") ?? true
    addsEOS = try keys.flag("add_eos_token") ?? false
    addsSpacePrefix = try keys.flag("add_space_prefix") ?? true
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

  /// A list with an element for each token.
  func list(_ name: String, count: Int) throws(WeightmillError) -> [GGUFValue]? {
    guard let value = value(name) else { return nil }
    guard let list = value.array, list.count == count else {
      throw fault("has token lists of different lengths")
    }
    return list
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
