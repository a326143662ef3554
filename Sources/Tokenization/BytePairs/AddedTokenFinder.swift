/// Finds added tokens in a text: from left to right, at each position the longest one, none over
/// another.
struct AddedTokenFinder: Sendable {
  /// A stretch of text, or a token that was found in it.
  enum Fragment: Equatable {
    case text(Range<Int>)
    case token(Int)
  }

  private struct Entry {
    let text: [Unicode.Scalar]
    let token: AddedToken
    /// The longest other entry that this one begins with, or -1.
    let shorter: Int
  }

  /// In the order of their texts.
  private let entries: [Entry]
  private let firsts: Set<Unicode.Scalar>

  /// Makes a finder.
  ///
  /// - Parameter tokens: The tokens with what is looked for; of equal texts the first counts.
  init(_ tokens: [(text: [Unicode.Scalar], token: AddedToken)]) {
    let sorted = tokens.enumerated().filter { !$0.element.text.isEmpty }.sorted { a, b in
      if a.element.text == b.element.text { return a.offset < b.offset }
      return a.element.text.lexicographicallyPrecedes(b.element.text)
    }
    var entries: [Entry] = []
    // The entries that the latest one begins with, the shortest first.
    var path: [Int] = []
    for (_, element) in sorted where entries.last?.text != element.text {
      while let last = path.last, !element.text.starts(with: entries[last].text) {
        path.removeLast()
      }
      entries.append(Entry(text: element.text, token: element.token, shorter: path.last ?? -1))
      path.append(entries.count - 1)
    }
    self.entries = entries
    firsts = Set(entries.compactMap(\.text.first))
  }

  /// Cuts a text at the tokens in it.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - findsSpecial: Whether control tokens count; if not, they are text, but nothing else is
  ///     found inside of them.
  /// - Returns: The fragments, in order.
  func fragments(of text: [Unicode.Scalar], findsSpecial: Bool) -> [Fragment] {
    var fragments: [Fragment] = []
    var done = 0
    var spaceEnd = 0
    var position = 0
    while position < text.count {
      guard firsts.contains(text[position]), let entry = longest(in: text, at: position) else {
        position += 1
        continue
      }
      let end = position + entry.text.count
      defer { position = end }
      guard findsSpecial || !entry.token.isSpecial,
        let range = range(
          of: entry.token, matching: position..<end, in: text, after: done, spaceEnd: &spaceEnd)
      else { continue }
      if done < range.lowerBound { fragments.append(.text(done..<range.lowerBound)) }
      // White space that an earlier token took may be all there was of this one.
      if !range.isEmpty { fragments.append(.token(entry.token.id)) }
      done = range.upperBound
    }
    if done < text.count { fragments.append(.text(done..<text.count)) }
    return fragments
  }

  /// The text that a matching token takes, with the white space it strips; `nil` when it must be a
  /// word by itself there, and is not.
  ///
  /// `spaceEnd` remembers how far white space is known to reach, so that a long run of it is not
  /// walked again for each token in it.
  private func range(
    of token: AddedToken, matching match: Range<Int>, in text: [Unicode.Scalar], after done: Int,
    spaceEnd: inout Int
  ) -> Range<Int>? {
    if token.isSingleWord {
      let before = match.lowerBound > 0 && text[match.lowerBound - 1].isWordCharacter
      let after = match.upperBound < text.count && text[match.upperBound].isWordCharacter
      guard !before, !after else { return nil }
    }
    var (start, end) = (match.lowerBound, match.upperBound)
    if token.stripsLeft {
      while start > done, text[start - 1].properties.isWhitespace { start -= 1 }
      start = max(start, done)
    }
    if token.stripsRight {
      end = max(end, spaceEnd)
      while end < text.count, text[end].properties.isWhitespace { end += 1 }
      spaceEnd = end
    }
    return start..<max(start, end)
  }

  /// The longest entry that the text holds at a position.
  private func longest(in text: [Unicode.Scalar], at position: Int) -> Entry? {
    let rest = text[position...]
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if rest.lexicographicallyPrecedes(entries[middle].text) {
        high = middle
      } else {
        low = middle + 1
      }
    }
    // Of the entries up to `rest`, those that it begins with are the last one, or lead up to it.
    var index = low - 1
    guard index >= 0 else { return nil }
    let common = zip(entries[index].text, rest).prefix { $0 == $1 }.count
    while index >= 0, entries[index].text.count > common { index = entries[index].shorter }
    return index >= 0 ? entries[index] : nil
  }
}
