package import WeightmillTensors

/// What a SentencePiece model does to characters before it cuts a text: `precompiled_charsmap`, such
/// as `nmt_nfkc`'s.
///
/// A 32-bit length, a trie of that many bytes, then texts that each end with a zero byte. The trie
/// (a double array, as the library Darts-clone makes it) leads from bytes to the place of the text that
/// stands for them. Source: SentencePiece, `normalizer.cc`; its `darts.h`.
package struct CharacterMap: Equatable, Sendable {
  private let units: [UInt32]
  private let texts: [UInt8]

  /// The longest text accepted, in bytes; NFKC's longest takes 33.
  static let longestText = 255

  /// Reads the map.
  ///
  /// - Parameters:
  ///   - bytes: The field of the model.
  ///   - location: The file, for messages.
  /// - Throws: `malformed` when lengths do not fit, or a text is too long.
  package init(_ bytes: [UInt8], location: String) throws(WeightmillError) {
    func number(_ index: Int) -> UInt32 {
      (0..<4).reduce(0) { $0 | UInt32(bytes[index + $1]) << (8 * UInt32($1)) }
    }
    guard bytes.count >= 8, case let size = Int(number(0)), size % 4 == 0, size > 0,
      size <= bytes.count - 4
    else {
      throw WeightmillError(
        .malformed, location, "has a map of characters whose length does not fit",
        at: "precompiled_charsmap", remedy: "fetch the file again")
    }
    units = stride(from: 4, to: 4 + size, by: 4).map(number)
    texts = Array(bytes[(4 + size)...])
    let longest = texts.split(separator: 0).map(\.count).max() ?? 0
    guard longest <= Self.longestText, texts.isEmpty || texts.last == 0 else {
      throw WeightmillError(
        .malformed, location, "has a map of characters with a text that is too long or has no end",
        at: "precompiled_charsmap", remedy: "fetch the file again")
    }
  }

  /// The longest beginning of a text that the map has, and what stands for it; `nil` when there is none.
  func replacement(for text: ArraySlice<UInt8>) -> (length: Int, text: ArraySlice<UInt8>)? {
    var found: (length: Int, value: Int)?
    var node = offset(units[0])
    for (index, byte) in text.enumerated() {
      node ^= Int(byte)
      guard units.indices.contains(node), units[node] & 0x8000_00FF == UInt32(byte) else { break }
      let unit = units[node]
      node ^= offset(unit)
      if unit & 0x100 != 0, units.indices.contains(node) {
        found = (index + 1, Int(units[node] & 0x7FFF_FFFF))
      }
    }
    guard let found, texts.indices.contains(found.value) else { return nil }
    return (found.length, texts[found.value...].prefix { $0 != 0 })
  }

  private func offset(_ unit: UInt32) -> Int {
    Int(unit >> 10) << Int((unit & 0x200) >> 6)
  }
}

/// What a SentencePiece model does to a text before it cuts it, besides marking spaces.
package struct SentencePieceNormalizer: Equatable, Sendable {
  /// The name that the model gives it.
  let name: String
  /// What is done to characters, if anything is.
  let map: CharacterMap?
  /// Whether spaces at both ends, and all but one of those in a row, are dropped.
  let dropsSpaces: Bool

  /// What a model says of it.
  ///
  /// - Parameters:
  ///   - name: The name that the model gives it.
  ///   - map: What is done to characters, if anything is.
  ///   - dropsSpaces: Whether spaces at both ends, and all but one of those in a row, are dropped.
  package init(name: String, map: CharacterMap?, dropsSpaces: Bool) {
    self.name = name
    self.map = map
    self.dropsSpaces = dropsSpaces
  }

  private static let mark: [UInt8] = [0xE2, 0x96, 0x81]  // U+2581
  private static let space: UInt8 = 0x20

  /// The text with marks for spaces.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - prefix: Whether a mark goes before it.
  /// - Returns: The text; nothing when nothing is left of it.
  func normalized(_ text: ArraySlice<UInt8>, prefix: Bool) -> [UInt8] {
    var rest = text
    while dropsSpaces, !rest.isEmpty, case let (length, piece) = next(rest), piece == [Self.space] {
      rest = rest.dropFirst(length)
    }
    guard !rest.isEmpty else { return [] }
    var result = prefix ? Self.mark : []
    var followsSpace = dropsSpaces
    while !rest.isEmpty {
      let (length, replaced) = next(rest)
      rest = rest.dropFirst(length)
      let piece = followsSpace ? replaced.drop { $0 == Self.space } : replaced
      for byte in piece {
        if byte == Self.space { result += Self.mark } else { result.append(byte) }
      }
      if let last = piece.last { followsSpace = dropsSpaces && last == Self.space }
    }
    while dropsSpaces, result.suffix(3).elementsEqual(Self.mark) { result.removeLast(3) }
    return result
  }

  /// What becomes of the next characters, and how many bytes they are.
  private func next(_ text: ArraySlice<UInt8>) -> (length: Int, text: ArraySlice<UInt8>) {
    if let found = map?.replacement(for: text) { return found }
    var end = text.startIndex + 1
    while end < text.endIndex, text[end] & 0xC0 == 0x80 { end += 1 }
    return (end - text.startIndex, text[..<end])
  }
}
