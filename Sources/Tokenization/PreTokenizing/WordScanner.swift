/// Matches the alternatives of patterns at positions of a text, or of a stretch of it: what lies
/// outside of the stretch is not seen.
struct WordScanner {
  let text: [Unicode.Scalar]
  private let classes: [ScalarClass]
  /// The stretch.
  private(set) var lower = 0
  private(set) var upper: Int

  init(_ text: [Unicode.Scalar]) {
    self.text = text
    classes = text.map { ScalarClass($0) }
    upper = text.count
  }

  /// Goes on to another stretch.
  mutating func move(to stretch: Range<Int>) {
    (lower, upper) = (stretch.lowerBound, stretch.upperBound)
  }

  /// The end of the match of an alternative that begins at a position; `nil` if there is none.
  func end(of part: WordPart, at position: Int) -> Int? {
    switch part {
    case .contraction(let anyCase):
      return contraction(at: position, anyCase: anyCase)
    case .spaced(let own):
      return after(isBlank(position), at: position) { run(of: own, from: $0) }
    case .spacedExcept(let others, let ends):
      return after(isBlank(position), at: position) { run(except: others.union(.space), from: $0) }
        .map { skip(ends, from: $0) }
    case .spacedUnlisted(let ranges):
      return after(isBlank(position), at: position) { unlisted(ranges, from: $0) }
    case .spacedPunctuation:
      return after(isBlank(position), at: position) { run(of: [.punctuation, .symbol], from: $0) }
        .map { skip(.lineEnds, from: $0) }
    case .prefixed(let own, let others):
      return after(isPrefix(position, except: others), at: position) { run(of: own, from: $0) }
    case .capitalized(let contractions):
      return cased(at: position, contractions: contractions, capitalized)
    case .capitals(let contractions):
      return cased(at: position, contractions: contractions, capitals)
    case .asciiWord:
      return asciiWord(at: position)
    case .run(let own, let most):
      return run(of: own, from: position, upTo: most)
    case .listed(let ranges, let isSpaced):
      return after(isSpaced && has(.space, at: position), at: position) { listed(ranges, from: $0) }
    case .punctuationAnd(let ranges):
      return punctuation(and: ranges, from: position)
    case .groupedDigits:
      return groupedDigits(at: position)
    case .threeASCIIDigits:
      let digits = text[position..<upper].prefix(3).prefix { ("0"..."9").contains($0) }
      return digits.count == 3 ? position + 3 : nil
    case .anySpaced(let own):
      return after(has(.space, at: position), at: position) { run(of: own, from: $0) }
    case .lineEnd:
      return isLineEnd(position) ? position + 1 : nil
    case .spaceToLineEnd, .spaceBeforeSpace, .space, .spaceInSteps, .spaceAtEnd:
      return space(part, at: position)
    }
  }

  // MARK: Characters

  private func has(_ own: ScalarClass, at position: Int) -> Bool {
    position < upper && !classes[position].isDisjoint(with: own)
  }

  private func isBlank(_ position: Int) -> Bool { position < upper && text[position] == " " }

  private func isLineEnd(_ position: Int) -> Bool {
    position < upper && (text[position] == "\r" || text[position] == "\n")
  }

  /// Whether a character may go before a word without being of it.
  private func isPrefix(_ position: Int, except others: ScalarClass) -> Bool {
    position < upper && !isLineEnd(position) && classes[position].isDisjoint(with: others)
  }

  // MARK: Runs

  /// A match of `body` after one character more, if that is allowed and works; else right here.
  private func after(_ isAllowed: Bool, at position: Int, _ body: (Int) -> Int?) -> Int? {
    if isAllowed, let end = body(position + 1) { return end }
    return body(position)
  }

  private func run(of own: ScalarClass, from start: Int, upTo most: Int = .max) -> Int? {
    var end = start
    while end - start < most, has(own, at: end) { end += 1 }
    return end > start ? end : nil
  }

  private func run(except others: ScalarClass, from start: Int) -> Int? {
    var end = start
    while end < upper, classes[end].isDisjoint(with: others) { end += 1 }
    return end > start ? end : nil
  }

  private func listed(_ ranges: ScalarRanges, from start: Int) -> Int? {
    var end = start
    while end < upper, ranges.contains(text[end]) { end += 1 }
    return end > start ? end : nil
  }

  private func unlisted(_ ranges: ScalarRanges, from start: Int) -> Int? {
    var end = start
    while end < upper, !has(.space, at: end), !ranges.contains(text[end]) { end += 1 }
    return end > start ? end : nil
  }

  private func punctuation(and ranges: ScalarRanges, from start: Int) -> Int? {
    var end = start
    while end < upper, has(.punctuation, at: end) || ranges.contains(text[end]) { end += 1 }
    return end > start ? end : nil
  }

  private func groupedDigits(at position: Int) -> Int? {
    var end = position
    while end < upper, has(.number, at: end),
      text[end].properties.generalCategory == .decimalNumber
    {
      end += 1
    }
    // Oniguruma, which the package tokenizers has, takes ², ³, ¹, ¼, ½ and ¾ for parts of words, too.
    let isInWord =
      end < upper
      && (text[end].isWordCharacter
        || (0xB2...0xBE).contains(text[end].value)
          && has(.number, at: end))
    guard end > position, !isInWord else { return nil }
    let odd = (end - position) % 3
    return position + (odd == 0 ? 3 : odd)
  }

  private func skip(_ ends: WordPart.Ends, from start: Int) -> Int {
    guard ends != .nothing else { return start }
    var end = start
    while isLineEnd(end) || (ends == .lineEndsAndSlashes && end < upper && text[end] == "/") {
      end += 1
    }
    return end
  }

  // MARK: Words

  private static let shortEndings: Set<Unicode.Scalar> = ["s", "t", "m", "d"]
  private static let longEndings: [[Unicode.Scalar]] = [["r", "e"], ["v", "e"], ["l", "l"]]

  private func contraction(at position: Int, anyCase: Bool) -> Int? {
    guard position + 1 < upper, text[position] == "'" else { return nil }
    let first = anyCase ? text[position + 1].folded : text[position + 1]
    if Self.shortEndings.contains(first) { return position + 2 }
    guard position + 2 < upper else { return nil }
    let second = anyCase ? text[position + 2].folded : text[position + 2]
    return Self.longEndings.contains([first, second]) ? position + 3 : nil
  }

  private func cased(
    at position: Int, contractions: Bool, _ body: (Int) -> Int?
  ) -> Int? {
    guard let end = after(isPrefix(position, except: [.letter, .number]), at: position, body) else {
      return nil
    }
    return contractions ? contraction(at: end, anyCase: true) ?? end : end
  }

  private static let high: ScalarClass = [.upper, .uncased, .mark]
  private static let low: ScalarClass = [.lower, .uncased, .mark]

  /// Any capitals, then at least one other letter. A letter without case is both: if nothing else
  /// follows the capitals, the last such letter among them ends the word.
  private func capitalized(from start: Int) -> Int? {
    let middle = run(of: Self.high, from: start) ?? start
    if let end = run(of: Self.low, from: middle) { return end }
    return (start..<middle).last { has(Self.low, at: $0) }.map { $0 + 1 }
  }

  /// At least one capital, then any other letters.
  private func capitals(from start: Int) -> Int? {
    run(of: Self.high, from: start).map { run(of: Self.low, from: $0) ?? $0 }
  }

  private func asciiWord(at position: Int) -> Int? {
    guard position < upper, text[position].isASCII, has([.punctuation, .symbol], at: position)
    else {
      return nil
    }
    var end = position + 1
    while end < upper, text[end].isASCII, has(.letter, at: end) { end += 1 }
    return end > position + 1 ? end : nil
  }

  // MARK: White space

  private func space(_ part: WordPart, at position: Int) -> Int? {
    switch part {
    case .spaceToLineEnd:
      guard let end = run(of: .space, from: position) else { return nil }
      return (position..<end).last { isLineEnd($0) }.map { $0 + 1 }
    case .spaceBeforeSpace:
      guard let end = run(of: .space, from: position) else { return nil }
      return end == upper ? end : end - position > 1 ? end - 1 : nil
    case .spaceInSteps:
      guard let end = run(of: .space, from: position) else { return nil }
      // What is left of a run is not white space only if the run ends before the stretch does.
      let most = end == upper ? end - position : end - position - 1
      let steps = [512, 256, 128, 64, 32, 16, 8, 4, 2, 1]
      return position + (steps.first { $0 <= most } ?? 1)
    case .spaceAtEnd:
      // Where the start of a run does not match, no later part of it does.
      guard position == lower || !has(.space, at: position - 1),
        let end = run(of: .space, from: position)
      else { return nil }
      return (position + 1...end).last { $0 == upper || text[$0] == "\n" }
    default: return run(of: .space, from: position)
    }
  }
}

extension Unicode.Scalar {
  /// The letter of a contraction in lower case. U+017F is a long s.
  fileprivate var folded: Unicode.Scalar {
    if self == "\u{17F}" { return "s" }
    guard (0x41...0x5A).contains(value) else { return self }
    return Unicode.Scalar(UInt8(value) + 0x20)
  }
}
