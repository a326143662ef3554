import WeightmillTensors

/// The tokens of a model with what is needed to encode and decode text.
///
/// A token's index in `tokens` is its id.
public struct Vocabulary: Equatable, Sendable {
  /// The purpose of a token. The raw values are those of GGUF's `tokenizer.ggml.token_type`.
  public enum Kind: Int32, Sendable {
    /// A piece of text.
    case normal = 1
    /// The token that stands for text without a token.
    case unknown = 2
    /// A mark such as BOS, which no text becomes by itself.
    case control = 3
    /// Text that is always one token.
    case userDefined = 4
    /// An id without a token.
    case unused = 5
    /// One byte of text that has no token.
    case byte = 6
  }

  /// One token.
  public struct Token: Equatable, Sendable {
    /// The text, with U+2581 for a space; `<0xHH>` for a byte.
    public let text: String
    /// The higher, the sooner two neighbours merge into this token.
    public let score: Float
    /// The token's purpose.
    public let kind: Kind

    /// Makes a token.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - score: The score.
    ///   - kind: What the token is for.
    package init(text: String, score: Float, kind: Kind) {
      self.text = text
      self.score = score
      self.kind = kind
    }
  }

  /// The tokens with a role, and what is added to a text by itself.
  public struct Special: Equatable, Sendable {
    /// The token that begins a text.
    public var bos: Int?
    /// The token that ends one.
    public var eos: Int?
    /// The token for what cannot be encoded.
    public var unknown: Int?
    /// The token that fills up a batch.
    public var padding: Int?
    /// The tokens around a gap that the model fills in.
    package var gap: Gap?
    /// Whether a text begins with `bos`.
    public var addsBOS = true
    /// Whether a text ends with `eos`.
    public var addsEOS = false
    /// Whether a space goes before a text.
    package var addsSpacePrefix = true

    /// The tokens that Code Llama's models were trained with to fill in a gap.
    package struct Gap: Equatable, Sendable {
      /// What goes before the text in front of the gap.
      package let prefix: Int
      /// What goes before the text behind it.
      package let suffix: Int
      /// What goes before what is to be filled in.
      package let middle: Int
      /// What ends it.
      package let end: Int

      /// Names the tokens.
      package init(prefix: Int, suffix: Int, middle: Int, end: Int) {
        (self.prefix, self.suffix, self.middle, self.end) = (prefix, suffix, middle, end)
      }

      /// Code Llama's ids, in its vocabularies of 32016 tokens.
      package static let codeLlama = Gap(prefix: 32007, suffix: 32008, middle: 32009, end: 32010)
    }

    /// The token that every text, and every window of one, begins with; `nil` if none is added.
    package var addedBOS: Int? { addsBOS ? bos : nil }

    /// Names the special tokens of LLaMA's vocabulary.
    ///
    /// - Parameters:
    ///   - bos: The token that begins a text.
    ///   - eos: The token that ends one.
    ///   - unknown: The token for what cannot be encoded.
    ///   - padding: The token that fills up a batch.
    package init(bos: Int? = 1, eos: Int? = 2, unknown: Int? = 0, padding: Int? = nil) {
      self.bos = bos
      self.eos = eos
      self.unknown = unknown
      self.padding = padding
    }
  }

  /// The tokens by id.
  public private(set) var tokens: [Token]
  /// The tokens with a role.
  public var special: Special

  /// Makes a vocabulary.
  ///
  /// - Parameters:
  ///   - tokens: The tokens by id.
  ///   - special: The tokens with a role.
  package init(tokens: [Token], special: Special) {
    self.tokens = tokens
    self.special = special
  }

  /// Gives an id another token, as an `added_tokens.json` says.
  ///
  /// The score is the one llama.cpp's converter gives to added tokens, -1000. A piece that is a mark
  /// already, listed once more with its own text, stays one: as text that is looked for, `<s>` would
  /// be found in what users write.
  ///
  /// - Parameters:
  ///   - text: The token's text.
  ///   - id: Its id, one of the vocabulary's; of others nothing is added.
  ///   - kind: What the token is for.
  package mutating func add(_ text: String, id: Int, kind: Kind = .userDefined) {
    guard tokens.indices.contains(id) else { return }
    let token = tokens[id]
    let isListedAgain = kind == .userDefined && TensorName(token.text) == TensorName(text)
    guard !isListedAgain || token.kind == .normal || token.kind == .unused else { return }
    tokens[id] = Token(text: text, score: -1000, kind: kind)
  }

  /// Leaves out the tokens behind an embedding's last row.
  ///
  /// - Parameter rows: The number of rows.
  package mutating func cut(toRows rows: Int) {
    guard tokens.count > rows else { return }
    tokens.removeSubrange(rows...)
    for role in Role.allCases where (special[role] ?? 0) >= rows { special[role] = nil }
  }

  /// Fills the vocabulary up to the rows of an embedding matrix with unused tokens.
  ///
  /// llama.cpp wants a token for each row. Names, score and kind are those its converter gives:
  /// `[PAD39410]`, -10000, unused.
  ///
  /// - Parameter rows: The number of rows.
  package mutating func pad(toRows rows: Int) {
    while tokens.count < rows {
      tokens.append(Token(text: "[PAD\(tokens.count)]", score: -10000, kind: .unused))
    }
  }

  /// The vocabulary of a model whose embedding has another number of rows.
  ///
  /// - Parameter rows: The number of rows.
  /// - Returns: The vocabulary with a token for each row; `nil` when a token that is used, or has a
  ///   role, has none.
  package func resized(toRows rows: Int) -> Vocabulary? {
    let roles = [special.bos, special.eos, special.unknown, special.padding]
    guard tokens.dropFirst(rows).allSatisfy({ $0.kind == .unused }),
      roles.allSatisfy({ $0 ?? 0 < max(rows, 1) })
    else { return nil }
    var resized = Vocabulary(tokens: Array(tokens.prefix(rows)), special: special)
    resized.pad(toRows: rows)
    return resized
  }
}

extension Vocabulary.Token {
  /// The byte that a token `<0xHH>` stands for.
  package var byte: UInt8? {
    let digits = Array(text.utf8)
    guard kind == .byte, digits.count == 6, digits.starts(with: "<0x".utf8), digits[5] == 0x3E,
      digits[3..<5].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit })
    else { return nil }
    return UInt8(String(decoding: digits[3..<5], as: UTF8.self), radix: 16)
  }
}
