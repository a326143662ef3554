public import WeightmillTensors

/// A model's tokenizer: its tokens, and how text becomes ids and back.
///
/// What the kinds of tokenizers answer is said here and nowhere else: who uses one does not ask for
/// its kind.
public enum ModelTokenizer: Sendable {
  /// Byte-pair merges in order of score, as SentencePiece and llama.cpp do them.
  case sentencePiece(Tokenizer)
  /// Merges in order of rank, between the steps of a `tokenizer.json`.
  case bytePairs(BPETokenizer)

  /// A kind of tokenizer. The raw values are those of GGUF's `tokenizer.ggml.model`.
  public enum Kind: String, Sendable {
    /// SentencePiece's byte pairs.
    case sentencePiece = "llama"
    /// Byte pairs of the `tokenizers` package.
    case bytePairs = "gpt2"

    /// Whether Weightmill reads such tokenizers from GGUF files and writes them there; byte pairs not
    /// yet.
    package var isInGGUF: Bool { self == .sentencePiece }
  }

  /// The kind.
  public var kind: Kind {
    switch self {
    case .sentencePiece: .sentencePiece
    case .bytePairs: .bytePairs
    }
  }

  /// The tokens by id, and the ids with a role.
  public var vocabulary: Vocabulary {
    switch self {
    case .sentencePiece(let tokenizer): tokenizer.vocabulary
    case .bytePairs(let tokenizer): tokenizer.vocabulary
    }
  }

  /// The ids of a text.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - parsesControl: Whether the text of a control token, such as `<s>`, is that token rather
  ///     than its characters.
  ///   - addsSpecial: Whether what belongs around a text, such as BOS, is added.
  /// - Returns: The ids.
  /// - Throws: `unsupported` when the vocabulary prepares text in a way that is not known;
  ///   `refused` when it makes the text longer without measure.
  public func encode(
    _ text: String, parsesControl: Bool = false, addsSpecial: Bool = true
  ) throws(WeightmillError) -> [Int] {
    switch self {
    case .sentencePiece(let tokenizer):
      tokenizer.encode(text, parsesControl: parsesControl, addsSpecial: addsSpecial)
    case .bytePairs(let tokenizer):
      try tokenizer.encode(text, parsesControl: parsesControl, addsSpecial: addsSpecial)
    }
  }

  /// The text of ids; control tokens have none, and broken UTF-8 shows as U+FFFD.
  ///
  /// - Parameters:
  ///   - ids: Ids of the vocabulary; others have no text.
  ///   - atStart: Whether they begin a text: the space that goes before a text is left out then.
  /// - Returns: The text.
  /// - Throws: `unsupported` when the vocabulary makes text of tokens in a way that is not known.
  public func decode(_ ids: [Int], atStart: Bool = true) throws(WeightmillError) -> String {
    if let decodingObstacle { throw decodingObstacle }
    switch self {
    case .sentencePiece(let tokenizer): return tokenizer.decode(ids, atStart: atStart)
    case .bytePairs(let tokenizer):
      guard !atStart else { return try tokenizer.decode(ids) }
      return String(decoding: ids.flatMap(tokenizer.bytes), as: UTF8.self)
    }
  }

  /// The text of ids for people to read: the tokens as they are where their text is not known.
  ///
  /// - Parameters:
  ///   - ids: Ids of the vocabulary; others have no text.
  ///   - atStart: Whether they begin a text.
  /// - Returns: The text.
  package func shown(_ ids: [Int], atStart: Bool = true) -> String {
    if let text = try? decode(ids, atStart: atStart) { return text }
    let tokens = vocabulary.tokens
    return ids.map { tokens.indices.contains($0) ? tokens[$0].text : "" }.joined(separator: " ")
  }

  /// The reason why ids cannot be decoded, if there is one.
  var decodingObstacle: WeightmillError? {
    switch self {
    case .sentencePiece: nil
    case .bytePairs(let tokenizer): tokenizer.source.decodingObstacle
    }
  }

  /// The bytes that a token adds to a text that goes on; none for control tokens and for ids that
  /// the vocabulary does not have.
  func bytes(of id: Int) -> [UInt8] {
    switch self {
    case .sentencePiece(let tokenizer): tokenizer.bytes(of: id)
    case .bytePairs(let tokenizer): tokenizer.bytes(of: id)
    }
  }

  /// The tokenizer of a model whose embedding has another number of rows.
  ///
  /// - Parameter rows: The number of rows.
  /// - Returns: The tokenizer with a token for each row; `nil` when a token that is used has none.
  package func resized(toRows rows: Int) -> ModelTokenizer? {
    switch self {
    case .sentencePiece(let tokenizer):
      return tokenizer.vocabulary.resized(toRows: rows).map { .sentencePiece(Tokenizer($0)) }
    case .bytePairs(let tokenizer):
      var source = tokenizer.source
      guard let vocabulary = source.vocabulary.resized(toRows: rows) else { return nil }
      source.vocabulary = vocabulary
      return .bytePairs(BPETokenizer(source))
    }
  }
}

extension ModelTokenizer: Equatable {
  /// Whether two tokenizers are made of the same vocabulary.
  public static func == (a: ModelTokenizer, b: ModelTokenizer) -> Bool {
    switch (a, b) {
    case (.sentencePiece(let a), .sentencePiece(let b)): a.vocabulary == b.vocabulary
    case (.bytePairs(let a), .bytePairs(let b)): a.source == b.source
    default: false
    }
  }
}

/// The values of a tokenizer that a GGUF file must hold, each under `tokenizer.ggml.` and the name
/// given here; keys that are `nil` are left out.
package struct StoredTokenizer: Equatable, Sendable {
  /// `model`: the kind.
  package let model: String
  /// `pre`: llama.cpp's name for the way text is cut into words; `nil` when it has none for it.
  package let pre: String?
  /// `tokens`: a text for each id.
  package let tokens: [String]
  /// `scores`: one for each id.
  package let scores: [Float]?
  /// `token_type`: one for each id.
  package let kinds: [Vocabulary.Kind]
  /// `merges`: the texts of two tokens with a space between them, the first rank first.
  package let merges: [String]?
  /// `bos_token_id` and the like, and `add_bos_token` and `add_eos_token`.
  package let special: Vocabulary.Special
  /// `add_space_prefix`: only where it is not what llama.cpp does with this kind.
  package let addsSpacePrefix: Bool?
}

extension ModelTokenizer {
  /// The tokenizer's values that a GGUF file must hold.
  package var stored: StoredTokenizer {
    let vocabulary = vocabulary
    let (pre, scores, merges, prefix): (String?, [Float]?, [String]?, Bool?) =
      switch self {
      case .sentencePiece:
        (
          "default", vocabulary.tokens.map(\.score), nil,
          vocabulary.special.addsSpacePrefix ? nil : false
        )
      case .bytePairs(let tokenizer):
        (tokenizer.source.preTokenizerName, nil, tokenizer.source.mergeTexts, nil)
      }
    return StoredTokenizer(
      model: kind.rawValue, pre: pre, tokens: vocabulary.tokens.map(\.text), scores: scores,
      kinds: vocabulary.tokens.map(\.kind), merges: merges, special: vocabulary.special,
      addsSpacePrefix: prefix)
  }
}
