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
