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
    let merges = try Self.merges(tokens, location: location)
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
      merges: merges, addedTokens: added, rules: rules, encodingObstacle: nil,
      decodingObstacle: nil, preTokenizerName: preparation.llamaCppName, location: location,
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

  // MARK: Merges

  /// The pairs that form each token, in order of its rank; of one token's, those of lower ranks
  /// first. So does transformers' converter, and Llama 3's `tokenizer.json` holds the same list.
  private static func merges(
    _ tokens: [[UInt8]], location: String
  ) throws(WeightmillError) -> [BPEVocabulary.Merge] {
    var ranks: [ArraySlice<UInt8>: Int32] = [:]
    ranks.reserveCapacity(tokens.count)
    for (rank, token) in tokens.enumerated() { ranks[token[...]] = Int32(rank) }
    var merges: [BPEVocabulary.Merge] = []
    for (rank, token) in tokens.enumerated() {
      let pairs = token.indices.dropFirst().compactMap { cut -> BPEVocabulary.Merge? in
        guard let left = ranks[token[..<cut]], let right = ranks[token[cut...]] else { return nil }
        return BPEVocabulary.Merge(left: left, right: right, result: Int32(rank))
      }
      merges += pairs.sorted { ($0.left, $0.right) < ($1.left, $1.right) }
      guard merges.count <= TokenizerJSON.maximumMerges else {
        throw WeightmillError(
          .unsupported, location, "has more than \(TokenizerJSON.maximumMerges) merges")
      }
    }
    return merges
  }
}

/// Base64 as RFC 4648 has it: whole groups of four, padded with `=`.
enum Base64 {
  /// The bytes of a text; `nil` when it is no base64.
  static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
    guard text.count % 4 == 0 else { return nil }
    let padding = text.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 4 * 3)
    var bits: UInt32 = 0
    for (index, digit) in text.dropLast(padding).enumerated() {
      guard let value = value(of: digit) else { return nil }
      bits = bits << 6 | value
      if index % 4 > 0 {
        bytes.append(UInt8(truncatingIfNeeded: bits >> (6 - 2 * UInt32(index % 4))))
      }
    }
    // What does not fill a byte must be zero: else two texts would be the same bytes.
    let rest: UInt32 = padding == 1 ? bits & 3 : padding == 2 ? bits & 15 : 0
    return rest == 0 ? bytes : nil
  }

  private static func value(of digit: UInt8) -> UInt32? {
    switch digit {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
