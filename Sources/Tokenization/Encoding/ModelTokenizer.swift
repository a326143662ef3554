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
      return tokenizer.vocabulary.resized(toRows: rows).map {
        .sentencePiece(Tokenizer($0, normalizer: tokenizer.normalizer))
      }
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
    case (.sentencePiece(let a), .sentencePiece(let b)):
      a.vocabulary == b.vocabulary && a.normalizer == b.normalizer
    case (.bytePairs(let a), .bytePairs(let b)): a.source == b.source
    default: false
    }
  }
}
