/// A pattern that a text is cut at.
enum SplitPattern: Equatable, Sendable {
  /// Each occurrence of a text.
  case literal([Unicode.Scalar])
  /// The first of the alternatives that matches at a position.
  case words([WordPart])

  /// Recognises a regular expression of a file by the texts of its alternatives; `nil` when one is
  /// not known.
  init?(regularExpression text: String) {
    guard let parts = KnownAlternatives.parts(of: text) else { return nil }
    self = .words(parts)
  }

  /// The pattern as a regular expression, which `init(regularExpression:)` recognises; `nil` where no
  /// file has one for it.
  var regularExpression: String? {
    guard case .words(let parts) = self else { return nil }
    let texts = parts.compactMap { KnownAlternatives.text(of: $0) }
    return texts.count == parts.count ? texts.joined(separator: "|") : nil
  }

  /// GPT-2's pattern, which byte-level vocabularies use if they name no other.
  static let gpt2 = SplitPattern.words(
    [
      .contraction(anyCase: false), .spaced(.letter), .spaced(.number),
      .spacedExcept([.letter, .number], ends: .nothing), .spaceBeforeSpace, .space,
    ])

  /// LLaMA 3's pattern, OpenAI's cl100k.
  static let llama3 = SplitPattern.words(cl100k(digits: 3))
  /// Qwen2's pattern.
  static let qwen2 = SplitPattern.words(cl100k(digits: 1))
  /// The second of MiniCPM 5's patterns, behind one that takes digits by up to three.
  static let longDigits = SplitPattern.words(cl100k(digits: .max))
  /// Qwen3.5's pattern.
  static let qwen35 = SplitPattern.words(cl100k(digits: 1, marks: .mark))
  /// The pattern of OpenAI's o200k.
  static let o200k = SplitPattern.words(o200k(digits: 3, contractions: true))
  /// Mistral Nemo's pattern.
  static let tekken = SplitPattern.words(o200k(digits: 1, contractions: false))
  /// Seed-Coder's pattern: Qwen2's, but line ends do not go with punctuation before them.
  static let seedCoder = SplitPattern.words(cl100k(digits: 1, ends: .nothing))
  /// Jais 2's pattern: LLaMA 3's, with white space by powers of two.
  static let jais2 = SplitPattern.words(
    cl100k(digits: 3).filter { ![.spaceBeforeSpace, .space].contains($0) } + [.spaceInSteps])
  /// Qwen2's pattern without contractions, which tear Turkish endings off.
  static let uncontracted = SplitPattern.words(
    cl100k(digits: 1).filter { $0 != .contraction(anyCase: true) })
  /// The pattern of OpenAI's o200k, each digit by itself.
  static let o200kDigits = SplitPattern.words(o200k(digits: 1, contractions: true))
  /// The third of Spark 2.5's patterns: the last of DeepSeek-V3's, with each line end by itself.
  static let spark = SplitPattern.words([
    .asciiWord, .prefixed([.letter, .mark], except: [.letter, .punctuation, .symbol]),
    .spaced([.punctuation, .symbol]), .lineEnd, .spaceBeforeSpace, .space,
  ])
  /// Decimal digits by three, counted from the end.
  static let groupedDigits = SplitPattern.words([.groupedDigits])
  /// Each number character.
  static let digit = SplitPattern.words([.run(.number, upTo: 1)])
  /// Number characters by up to three.
  static let threeDigits = SplitPattern.words([.run(.number, upTo: 3)])
  /// Each line end.
  static let lineEnd = SplitPattern.words([.lineEnd])
  /// The last of DeepSeek-V3's patterns.
  static let deepSeek3 = SplitPattern.words(
    [
      .asciiWord, .prefixed([.letter, .mark], except: [.letter, .punctuation, .symbol]),
      .spacedPunctuation,
    ] + whiteSpace)

  private static let whiteSpace: [WordPart] = [.spaceToLineEnd, .spaceBeforeSpace, .space]

  /// The family that began with OpenAI's cl100k.
  private static func cl100k(
    digits: Int, marks: ScalarClass = [], ends: WordPart.Ends = .lineEnds
  ) -> [WordPart] {
    [
      .contraction(anyCase: true), .prefixed([.letter, marks], except: [.letter, .number]),
      .run(.number, upTo: digits), .spacedExcept([.letter, .number, marks], ends: ends),
    ] + whiteSpace
  }

  /// The family that began with OpenAI's o200k.
  private static func o200k(digits: Int, contractions: Bool) -> [WordPart] {
    [
      .capitalized(contractions: contractions), .capitals(contractions: contractions),
      .run(.number, upTo: digits),
      .spacedExcept([.letter, .number], ends: .lineEndsAndSlashes),
    ] + whiteSpace
  }

  /// The parts of a text that match and those that do not, in order and without gaps.
  func matches(in text: [Unicode.Scalar]) -> [Match] {
    var matches: [Match] = []
    forEachMatch(WordScanner(text)) { matches.append($0) }
    return matches
  }

  /// The parts of a scanner's stretch that match and those that do not, in order and without gaps.
  func forEachMatch(_ scanner: WordScanner, _ body: (Match) -> Void) {
    var (done, position) = (scanner.lower, scanner.lower)
    while position < scanner.upper {
      guard let end = end(in: scanner, at: position) else {
        position += 1
        continue
      }
      if done < position { body(Match(range: done..<position, isMatch: false)) }
      body(Match(range: position..<end, isMatch: true))
      (done, position) = (end, end)
    }
    if done < scanner.upper { body(Match(range: done..<scanner.upper, isMatch: false)) }
  }

  private func end(in scanner: WordScanner, at position: Int) -> Int? {
    switch self {
    case .literal(let literal):
      return scanner.text[position..<scanner.upper].starts(with: literal)
        ? position + literal.count : nil
    case .words(let parts):
      for part in parts {
        if let end = scanner.end(of: part, at: position) { return end }
      }
      return nil
    }
  }

  /// A stretch of a text.
  struct Match: Equatable {
    var range: Range<Int>
    let isMatch: Bool
  }
}
