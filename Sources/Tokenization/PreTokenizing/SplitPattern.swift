/// A pattern that a text is cut at.
enum SplitPattern: Equatable, Sendable {
  /// Each occurrence of a text.
  case literal([Unicode.Scalar])
  /// The first of the alternatives that matches at a position.
  case words([WordPart])

  /// Recognises a regular expression of a file by its text; `nil` for one that is not known.
  ///
  /// Sources: the `tokenizer.json` of GPT-2, Llama 3, Qwen2, Qwen3.5, GPT-OSS (o200k), Mistral
  /// Nemo, DeepSeek-V3, DeepSeek-Coder, DeepSeek-LLM and MiniCPM; Meta's llama3 `tokenizer.py`.
  init?(regularExpression text: String) {
    let bytes = Array(text.utf8)
    if let known = Self.known.first(where: { $0.text.utf8.elementsEqual(bytes) }) {
      self = known.pattern
    } else if let part = Self.listed(text) {
      self = .words([part])
    } else {
      return nil
    }
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
  /// Qwen3.5's pattern.
  static let qwen35 = SplitPattern.words(cl100k(digits: 1, marks: .mark))
  /// The pattern of OpenAI's o200k.
  static let o200k = SplitPattern.words(o200k(digits: 3, contractions: true))
  /// Mistral Nemo's pattern.
  static let tekken = SplitPattern.words(o200k(digits: 1, contractions: false))
  /// The last of DeepSeek-V3's patterns.
  static let deepSeek3 = SplitPattern.words(
    [
      .asciiWord, .prefixed([.letter, .mark], except: [.letter, .punctuation, .symbol]),
      .spacedPunctuation,
    ] + whiteSpace)

  private static let whiteSpace: [WordPart] = [.spaceToLineEnd, .spaceBeforeSpace, .space]

  /// The family that began with OpenAI's cl100k.
  private static func cl100k(digits: Int, marks: ScalarClass = []) -> [WordPart] {
    [
      .contraction(anyCase: true), .prefixed([.letter, marks], except: [.letter, .number]),
      .run(.number, upTo: digits), .spacedExcept([.letter, .number, marks], ends: .lineEnds),
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

  private static let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
  private static let spaceText = #"\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let capitalized =
    #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"#
  private static let capitals =
    #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"#

  private static func cl100kText(_ digits: String) -> String {
    contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|"# + digits
      + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|"# + spaceText
  }

  private static func o200kText(_ digits: String, _ suffix: String) -> String {
    "\(capitalized)\(suffix)|\(capitals)\(suffix)|\(digits)"
      + #"| ?[^\s\p{L}\p{N}]+[\r\n/]*|"# + spaceText
  }

  /// DeepSeek's texts hold line ends themselves where others escape them.
  private static let deepSeek3Text =
    ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^"## + "\r\n"
    + #"\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+["# + "\r\n" + #"]*|\s*["# + "\r\n"
    + #"]+|\s+(?!\S)|\s+"#

  private static let known: [(text: String, pattern: SplitPattern)] = [
    (#"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#, gpt2),
    (cl100kText(#"\p{N}{1,3}"#), llama3),
    (cl100kText(#"\p{N}"#), qwen2),
    (cl100kText(#"\p{N}+"#), .words(cl100k(digits: .max))),
    (
      contractions + #"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|"#
        + spaceText, qwen35
    ),
    (o200kText(#"\p{N}{1,3}"#, contractions + "?"), o200k),
    (o200kText(#"\p{N}"#, ""), tekken),
    (deepSeek3Text, deepSeek3),
    (#"\p{N}{1,3}"#, .words([.run(.number, upTo: 3)])),
    (#"\p{N}"#, .words([.run(.number, upTo: 1)])),
    (#"\s?\p{L}+"#, .words([.anySpaced(.letter)])),
    (#"\s?\p{P}+"#, .words([.anySpaced(.punctuation)])),
    (#"\s+$"#, .words([.spaceAtEnd])),
    ("[\r\n]", .words([.lineEnd])),
    (#"[\r\n]"#, .words([.lineEnd])),
  ]

  /// `[…]+` or `\s?[…]+` with nothing but characters and ranges between the brackets, as
  /// DeepSeek's vocabularies have for Chinese, for European letters and for punctuation.
  private static func listed(_ text: String) -> WordPart? {
    let scalars = Array(text.unicodeScalars)
    let isSpaced = scalars.starts(with: #"\s?"#.unicodeScalars)
    let rest = scalars.dropFirst(isSpaced ? 3 : 0)
    guard rest.count >= 4, rest.count <= 1024, rest.first == "[",
      rest.suffix(2).elementsEqual("]+".unicodeScalars),
      let ranges = ScalarRanges(rest.dropFirst().dropLast(2))
    else { return nil }
    return .listed(ranges, spaced: isSpaced)
  }

  /// The parts of a text that match and those that do not, in order and without gaps.
  func matches(in text: [Unicode.Scalar]) -> [Match] {
    var matches: [Match] = []
    var done = 0
    func add(_ range: Range<Int>) {
      if done < range.lowerBound {
        matches.append(Match(range: done..<range.lowerBound, isMatch: false))
      }
      matches.append(Match(range: range, isMatch: true))
      done = range.upperBound
    }
    let scanner = WordScanner(text)
    var position = 0
    while position < text.count {
      guard let end = end(in: scanner, at: position) else {
        position += 1
        continue
      }
      add(position..<end)
      position = end
    }
    if done < text.count { matches.append(Match(range: done..<text.count, isMatch: false)) }
    return matches
  }

  private func end(in scanner: WordScanner, at position: Int) -> Int? {
    switch self {
    case .literal(let literal):
      return scanner.text[position...].starts(with: literal) ? position + literal.count : nil
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
