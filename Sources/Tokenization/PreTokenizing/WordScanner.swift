/// Matches the alternatives of patterns at places of a text.
struct WordScanner {
  let text: [Unicode.Scalar]
  private let classes: [ScalarClass]

  init(_ text: [Unicode.Scalar]) {
    self.text = text
    classes = text.map { ScalarClass($0) }
  }

  /// Where a match of an alternative ends that begins at a place; `nil` if there is none.
  func end(of part: WordPart, at place: Int) -> Int? {
    switch part {
    case .contraction(let anyCase):
      return contraction(at: place, anyCase: anyCase)
    case .spaced(let own):
      return after(isBlank(place), at: place) { run(of: own, from: $0) }
    case .spacedExcept(let others, let ends):
      return after(isBlank(place), at: place) { run(except: others.union(.space), from: $0) }
        .map { skip(ends, from: $0) }
    case .spacedPunctuation:
      return after(isBlank(place), at: place) { run(of: [.punctuation, .symbol], from: $0) }
        .map { skip(.lineEnds, from: $0) }
    case .prefixed(let own, let others):
      return after(isPrefix(place, except: others), at: place) { run(of: own, from: $0) }
    case .capitalized(let contractions):
      return cased(at: place, contractions: contractions, capitalized)
    case .capitals(let contractions):
      return cased(at: place, contractions: contractions, capitals)
    case .asciiWord:
      return asciiWord(at: place)
    case .run(let own, let most):
      return run(of: own, from: place, upTo: most)
    case .listed(let ranges, let isSpaced):
      return after(isSpaced && has(.space, at: place), at: place) { listed(ranges, from: $0) }
    case .anySpaced(let own):
      return after(has(.space, at: place), at: place) { run(of: own, from: $0) }
    case .lineEnd:
      return isLineEnd(place) ? place + 1 : nil
    case .spaceToLineEnd, .spaceBeforeSpace, .space, .spaceAtEnd:
      return space(part, at: place)
    }
  }

  // MARK: Characters

  private func has(_ own: ScalarClass, at place: Int) -> Bool {
    place < classes.count && !classes[place].isDisjoint(with: own)
  }

  private func isBlank(_ place: Int) -> Bool { place < text.count && text[place] == " " }

  private func isLineEnd(_ place: Int) -> Bool {
    place < text.count && (text[place] == "\r" || text[place] == "\n")
  }

  /// Whether a character may go before a word without being of it.
  private func isPrefix(_ place: Int, except others: ScalarClass) -> Bool {
    place < text.count && !isLineEnd(place) && classes[place].isDisjoint(with: others)
  }

  // MARK: Runs

  /// A match of `body` after one character more, if that is allowed and works; else right here.
  private func after(_ isAllowed: Bool, at place: Int, _ body: (Int) -> Int?) -> Int? {
    if isAllowed, let end = body(place + 1) { return end }
    return body(place)
  }

  private func run(of own: ScalarClass, from start: Int, upTo most: Int = .max) -> Int? {
    var end = start
    while end - start < most, has(own, at: end) { end += 1 }
    return end > start ? end : nil
  }

  private func run(except others: ScalarClass, from start: Int) -> Int? {
    var end = start
    while end < classes.count, classes[end].isDisjoint(with: others) { end += 1 }
    return end > start ? end : nil
  }

  private func listed(_ ranges: ScalarRanges, from start: Int) -> Int? {
    var end = start
    while end < text.count, ranges.contains(text[end]) { end += 1 }
    return end > start ? end : nil
  }

  private func skip(_ ends: WordPart.Ends, from start: Int) -> Int {
    guard ends != .nothing else { return start }
    var end = start
    while isLineEnd(end) || (ends == .lineEndsAndSlashes && end < text.count && text[end] == "/") {
      end += 1
    }
    return end
  }

  // MARK: Words

  private static let shortEndings: Set<Unicode.Scalar> = ["s", "t", "m", "d"]
  private static let longEndings: [[Unicode.Scalar]] = [["r", "e"], ["v", "e"], ["l", "l"]]

  private func contraction(at place: Int, anyCase: Bool) -> Int? {
    guard place + 1 < text.count, text[place] == "'" else { return nil }
    let first = anyCase ? text[place + 1].folded : text[place + 1]
    if Self.shortEndings.contains(first) { return place + 2 }
    guard place + 2 < text.count else { return nil }
    let second = anyCase ? text[place + 2].folded : text[place + 2]
    return Self.longEndings.contains([first, second]) ? place + 3 : nil
  }

  private func cased(
    at place: Int, contractions: Bool, _ body: (Int) -> Int?
  ) -> Int? {
    guard let end = after(isPrefix(place, except: [.letter, .number]), at: place, body) else {
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

  private func asciiWord(at place: Int) -> Int? {
    guard place < text.count, text[place].isASCII, has([.punctuation, .symbol], at: place) else {
      return nil
    }
    var end = place + 1
    while end < text.count, text[end].isASCII, has(.letter, at: end) { end += 1 }
    return end > place + 1 ? end : nil
  }

  // MARK: White space

  private func space(_ part: WordPart, at place: Int) -> Int? {
    switch part {
    case .spaceToLineEnd:
      guard let end = run(of: .space, from: place) else { return nil }
      return (place..<end).last { isLineEnd($0) }.map { $0 + 1 }
    case .spaceBeforeSpace:
      guard let end = run(of: .space, from: place) else { return nil }
      return end == text.count ? end : end - place > 1 ? end - 1 : nil
    case .spaceAtEnd:
      // Where the start of a run does not match, no later part of it does.
      guard place == 0 || !has(.space, at: place - 1), let end = run(of: .space, from: place)
      else { return nil }
      return (place + 1...end).last { $0 == text.count || text[$0] == "\n" }
    default: return run(of: .space, from: place)
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
