/// Unicode's normalization forms D and C (Unicode Standard Annex #15).
///
/// Swift's library compares strings by them but gives no access to them outside of Foundation.
enum CanonicalForms {
  /// The canonical decomposition of a text, with combining marks in order.
  static func decomposed(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    guard text.contains(where: { $0.value >= 0xC0 }) else { return text }
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(text.count)
    for scalar in text { append(scalar, to: &result) }
    sortMarks(&result)
    return result
  }

  /// The canonical composition of a text.
  static func composed(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    // Nothing below U+0300 combines with what is before it or decomposes for good.
    guard text.contains(where: { $0.value >= 0x300 }) else { return text }
    return compose(decomposed(text))
  }

  // MARK: Decomposition

  private static func append(_ scalar: Unicode.Scalar, to result: inout [Unicode.Scalar]) {
    if let (first, second, third) = Hangul.parts(of: scalar) {
      result += [first, second] + (third.map { [$0] } ?? [])
    } else if let full = CanonicalTable.shared.decompositions[scalar] {
      result += full
    } else {
      result.append(scalar)
    }
  }

  /// Sorts each run of combining marks by class, keeping the order of equals.
  private static func sortMarks(_ text: inout [Unicode.Scalar]) {
    var index = 0
    while index < text.count {
      guard text[index].combiningClass > 0 else {
        index += 1
        continue
      }
      var end = index + 1
      while end < text.count, text[end].combiningClass > 0 { end += 1 }
      if end - index > 1 {
        let sorted = text[index..<end].enumerated().sorted { a, b in
          let (left, right) = (a.element.combiningClass, b.element.combiningClass)
          return left != right ? left < right : a.offset < b.offset
        }
        text.replaceSubrange(index..<end, with: sorted.map(\.element))
      }
      index = end
    }
  }

  // MARK: Composition

  private static func compose(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(text.count)
    // The last character of class 0, and the class of the last one after it: between the two
    // nothing may stand that holds the new one back.
    var starter: Int?
    var last: UInt8 = 0
    for scalar in text {
      let own = scalar.combiningClass
      if let index = starter, index == result.count - 1 || last < own,
        let pair = pair(result[index], scalar)
      {
        result[index] = pair
        continue
      }
      if own == 0 { starter = result.count }
      last = own
      result.append(scalar)
    }
    return result
  }

  private static func pair(
    _ first: Unicode.Scalar, _ second: Unicode.Scalar
  ) -> Unicode.Scalar? {
    Hangul.pair(first, second)
      ?? CanonicalTable.shared.compositions[UInt64(first.value) << 32 | UInt64(second.value)]
  }
}

extension Unicode.Scalar {
  /// The canonical combining class: 0 for all but marks.
  fileprivate var combiningClass: UInt8 {
    value < 0x300 ? 0 : properties.canonicalCombiningClass.rawValue
  }
}

/// Korean syllables, which decompose by a formula (The Unicode Standard, section 3.12).
private enum Hangul {
  private static let (syllables, leads, vowels, trails) = (
    UInt32(0xAC00), UInt32(0x1100), UInt32(0x1161), UInt32(0x11A7)
  )
  private static let (leadCount, vowelCount, trailCount) = (UInt32(19), UInt32(21), UInt32(28))

  /// The two or three letters of a syllable.
  static func parts(
    of syllable: Unicode.Scalar
  ) -> (Unicode.Scalar, Unicode.Scalar, Unicode.Scalar?)? {
    guard syllable.value >= syllables,
      syllable.value - syllables < leadCount * vowelCount * trailCount
    else { return nil }
    let index = syllable.value - syllables
    let trail = index % trailCount
    guard let lead = Unicode.Scalar(leads + index / (vowelCount * trailCount)),
      let vowel = Unicode.Scalar(vowels + index / trailCount % vowelCount)
    else { return nil }
    return (lead, vowel, trail > 0 ? Unicode.Scalar(trails + trail) : nil)
  }

  /// The syllable of two letters, or of a syllable and a last letter.
  static func pair(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Unicode.Scalar? {
    let (a, b) = (first.value, second.value)
    if a >= leads, a - leads < leadCount, b >= vowels, b - vowels < vowelCount {
      return Unicode.Scalar(syllables + ((a - leads) * vowelCount + b - vowels) * trailCount)
    }
    if a >= syllables, a - syllables < leadCount * vowelCount * trailCount,
      (a - syllables) % trailCount == 0, b > trails, b - trails < trailCount
    {
      return Unicode.Scalar(a + b - trails)
    }
    return nil
  }
}

/// Canonical decompositions and compositions, ready for look-ups.
struct CanonicalTable: Sendable {
  /// The full decomposition of each character that has one, Hangul aside.
  let decompositions: [Unicode.Scalar: [Unicode.Scalar]]
  /// The composition of two characters, by the first in the upper half and the second in the lower.
  let compositions: [UInt64: Unicode.Scalar]

  /// Made when the first text with such characters is normalized.
  static let shared = CanonicalTable()

  private init() {
    let composing = Self.entries(CanonicalData.composing)
    var parts: [Unicode.Scalar: [Unicode.Scalar]] = [:]
    var compositions: [UInt64: Unicode.Scalar] = [:]
    for entry in composing + Self.entries(CanonicalData.excluded) where entry.count > 1 {
      parts[entry[0]] = Array(entry.dropFirst())
    }
    for entry in composing where entry.count == 3 {
      compositions[UInt64(entry[1].value) << 32 | UInt64(entry[2].value)] = entry[0]
    }
    // Only the first part can decompose further.
    var full: [Unicode.Scalar: [Unicode.Scalar]] = [:]
    for (scalar, own) in parts {
      var expanded = own
      while let first = expanded.first, let more = parts[first] {
        expanded.replaceSubrange(0..<1, with: more)
      }
      full[scalar] = expanded
    }
    decompositions = full
    self.compositions = compositions
  }

  private static func entries(_ text: String) -> [[Unicode.Scalar]] {
    text.utf8.split(separator: UInt8(ascii: ";")).map { entry in
      entry.split(separator: UInt8(ascii: " ")).compactMap { digits in
        UInt32(String(decoding: digits, as: UTF8.self), radix: 16).flatMap(Unicode.Scalar.init)
      }
    }
  }
}
