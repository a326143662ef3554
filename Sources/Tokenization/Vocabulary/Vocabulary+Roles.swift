package import WeightmillTensors

extension Vocabulary {
  /// A role that files give to a token, by its text or by its id.
  package enum Role: String, CaseIterable, Sendable {
    /// The token that begins a text.
    case bos
    /// The token that ends one.
    case eos
    /// The token for what cannot be encoded.
    case unknown = "unk"
    /// The token that fills up a batch.
    case padding = "pad"

    /// The key under which a tokenizer's settings have the token's text.
    package var textKey: String { "\(rawValue)_token" }
    /// The key under which a model's configuration has the token's id.
    package var idKey: String { "\(rawValue)_token_id" }
  }

  /// Whether a token cannot have the role that a configuration gives it by its id.
  ///
  /// A piece of text, a byte or the unknown token begins no text and ends none; nor does the token
  /// that the tokenizer has for the other end. So configurations of the first conversions of LLaMA,
  /// which name 0 and 1, are told from those that name a token of their own.
  ///
  /// - Parameters:
  ///   - id: The id.
  ///   - role: The role it is given.
  ///   - own: The roles that the tokenizer itself tells.
  /// - Returns: Whether the two contradict each other.
  package func contradicts(_ id: Int, as role: Role, own: Special) -> Bool {
    guard tokens.indices.contains(id) else { return true }
    guard own[role] != id else { return false }
    let token = tokens[id]
    switch role {
    case .unknown, .padding: return token.isText
    case .bos: return token.isText || token.isForUnknown || (own.bos != nil && own.eos == id)
    case .eos: return token.isText || token.isForUnknown || (own.eos != nil && own.bos == id)
    }
  }

  /// The texts of tokens that are used.
  package var usedTexts: Set<TensorName> {
    Set(tokens.lazy.filter { $0.kind != .unused }.map { TensorName($0.text) })
  }
}

extension Vocabulary.Special {
  /// The token with a role.
  package subscript(_ role: Vocabulary.Role) -> Int? {
    get {
      switch role {
      case .bos: bos
      case .eos: eos
      case .unknown: unknown
      case .padding: padding
      }
    }
    set {
      switch role {
      case .bos: bos = newValue
      case .eos: eos = newValue
      case .unknown: unknown = newValue
      case .padding: padding = newValue
      }
    }
  }
}

extension Vocabulary.Token {
  /// Whether it is a piece of text or a byte, and does not look like a mark.
  package var isText: Bool { (kind == .normal || kind == .byte) && !looksLikeMark }

  /// Whether the text is in angle or square brackets, as marks are that a vocabulary lists as pieces.
  private var looksLikeMark: Bool {
    guard kind == .normal else { return false }
    let scalars = Array(text.unicodeScalars)
    let brackets = [("<", ">"), ("[", "]")] as [(Unicode.Scalar, Unicode.Scalar)]
    return scalars.count > 2
      && brackets.contains { $0.0 == scalars.first && $0.1 == scalars.last }
      && scalars.contains { $0.properties.isAlphabetic }
  }

  /// Whether it stands for what cannot be encoded; some vocabularies take their end token for that.
  fileprivate var isForUnknown: Bool {
    kind == .unknown && text.lowercased().contains("unk")
      || ["<unk>", "[UNK]", "<|unk|>"].contains(text)
  }
}
