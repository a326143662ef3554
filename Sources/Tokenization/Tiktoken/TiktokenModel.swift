package import WeightmillTensors

/// LLaMA 3's `tokenizer.model` as Meta publishes it: a line for each token, its bytes in base64, a
/// space, its rank. The rank is the id, and the order in which pairs merge into the token.
///
/// The file says neither how text is cut nor which special tokens there are; both are in Meta's
/// code (`llama/tokenizer.py` of meta-llama/llama3) and are applied to vocabularies of LLaMA 3's
/// size only.
package struct TiktokenModel: Sendable {
  /// The largest file accepted, in bytes; LLaMA 3's takes 2.2 MB.
  package static let maximumBytes = 8 << 20
  /// The longest token accepted, in bytes; LLaMA 3 has one of 128 spaces.
  package static let maximumTokenLength = 256
  /// The number of tokens in LLaMA 3's file; ids from here on are special tokens.
  package static let tokenCount = 128_000

  /// The vocabulary, with special tokens.
  package let vocabulary: BPEVocabulary

  /// Reads a file.
  ///
  /// - Parameter path: The `tokenizer.model`.
  /// - Throws: `noInput`; `malformed` when it breaks the format's rules; `unsupported` when it is
  ///   not of LLaMA 3's size.
  package init(path: String) throws(WeightmillError) {
    let file = try InputFile(path)
    guard file.byteCount <= Self.maximumBytes else {
      throw WeightmillError(.malformed, path, "is \(file.byteCount) bytes long, too much")
    }
    try self.init(try file.bytes(at: 0, count: file.byteCount), location: path)
  }

  /// Reads a file's text.
  ///
  /// - Parameters:
  ///   - bytes: The text.
  ///   - location: The file it comes from, for messages.
  /// - Throws: As `init(path:)`.
  package init(_ bytes: [UInt8], location: String) throws(WeightmillError) {
    let tokens = try Self.tokens(bytes, location: location)
    guard tokens.count == Self.tokenCount else {
      throw WeightmillError(
        .unsupported, location,
        "holds \(tokens.count) tokens in tiktoken's format, but only LLaMA 3's \(Self.tokenCount) "
          + "are known", remedy: "use the model's tokenizer.json")
    }
    let merges = try RankedTokens.merges(tokens, location: location)
    let texts = tokens.map { ByteLevelAlphabet.text(of: $0) }
    let added = Self.specialTexts.enumerated().map { ordinal, text in
      AddedToken(
        id: tokens.count + ordinal, content: text, isSingleWord: false, stripsLeft: false,
        stripsRight: false, isNormalized: false, isSpecial: true)
    }
    var special = Vocabulary.Special(bos: tokens.count, eos: tokens.count + 1, unknown: nil)
    special.addsSpacePrefix = false
    var rules = BPEVocabulary.Rules()
    rules.takesWholeWords = true
    let preparation = TextPreparation(preTokenizers: [
      .split(.llama3, .isolated, isInverted: false), .byteLevel(addsSpace: false, splits: false),
    ])
    vocabulary = BPEVocabulary(
      vocabulary: Vocabulary(
        tokens: texts.map { .init(text: $0, score: 0, kind: .normal) }
          + added.map { .init(text: $0.content, score: 0, kind: .control) },
        special: special),
      merges: merges, addedTokens: added, rules: rules, modelObstacle: nil,
      decodingObstacle: nil, location: location,
      preparation: preparation, template: TextTemplate(before: [tokens.count]),
      decoder: [.byteLevel], onlyAdded: Set(added.map(\.id)))
  }

  /// Whether bytes begin as such a file does.
  ///
  /// - Parameter bytes: The first bytes of a file.
  /// - Returns: Whether the first line is base64, a space and digits.
  package static func isLikely(_ bytes: some Collection<UInt8>) -> Bool {
    let line = bytes.prefix(maximumTokenLength * 2).prefix { $0 != UInt8(ascii: "\n") }
    return entry(line) != nil
  }

  /// Whether a file begins as such a file does.
  ///
  /// - Parameter path: The file.
  /// - Returns: Whether the first line is base64, a space and digits.
  /// - Throws: `noInput`, `inputOutput`.
  package static func isLikely(path: String) throws(WeightmillError) -> Bool {
    let file = try InputFile(path)
    return isLikely(try file.bytes(at: 0, count: min(file.byteCount, 1024)))
  }

  /// The names of the ids from 128000 on, by Meta's code for LLaMA 3. Later releases gave some of
  /// the reserved ones names of their own; the ids are the same.
  private static let specialTexts: [String] = {
    var texts = ["<|begin_of_text|>", "<|end_of_text|>"]
    texts += (0..<4).map { "<|reserved_special_token_\($0)|>" }
    texts += [
      "<|start_header_id|>", "<|end_header_id|>", "<|reserved_special_token_4|>", "<|eot_id|>",
    ]
    return texts + (5..<251).map { "<|reserved_special_token_\($0)|>" }
  }()

  // MARK: Lines

  /// A line's token and rank.
  private static func entry(_ line: some Collection<UInt8>) -> (token: [UInt8], rank: Int)? {
    let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[1].isEmpty, parts[1].count <= 9,
      parts[1].allSatisfy({ (0x30...0x39).contains($0) }),
      let rank = Int(String(decoding: parts[1], as: UTF8.self)),
      let token = Base64.decode(parts[0]), !token.isEmpty, token.count <= maximumTokenLength
    else { return nil }
    return (token, rank)
  }

  /// The tokens in order of rank.
  private static func tokens(
    _ bytes: [UInt8], location: String
  ) throws(WeightmillError) -> [[UInt8]] {
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    var tokens = [[UInt8]](repeating: [], count: lines.count)
    var seen: Set<[UInt8]> = []
    for (number, line) in lines.enumerated() {
      func error(_ problem: String) -> WeightmillError {
        WeightmillError(.malformed, location, problem, at: "line \(number + 1)")
      }
      guard let (token, rank) = entry(line) else {
        throw error("has a line that is not a token in base64, a space and a rank")
      }
      guard rank < tokens.count, tokens[rank].isEmpty else {
        throw error("has the rank \(rank) twice, or out of \(tokens.count)")
      }
      guard seen.insert(token).inserted else { throw error("has a token twice") }
      tokens[rank] = token
    }
    guard (UInt8.min...UInt8.max).allSatisfy({ seen.contains([$0]) }) else {
      throw WeightmillError(
        .malformed, location, "lacks some of the 256 bytes", remedy: "fetch the file again")
    }
    return tokens
  }
}
