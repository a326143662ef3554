package import WeightmillTensors

/// Turns ids into text one by one, for showing a text while it grows.
///
/// A character whose bytes are spread over several tokens is held back until it is whole. All the
/// pieces together are what `ModelTokenizer.decode(_:atStart:)` makes of all the ids.
package struct TextStream: Sendable {
  private let tokenizer: ModelTokenizer
  /// The beginning of a character: at most three bytes.
  private var held: [UInt8] = []

  /// Begins within a text: no space is left out at its front.
  ///
  /// - Parameter tokenizer: The tokenizer of the ids.
  /// - Throws: `unsupported` when the vocabulary makes text of tokens in a way that is not known.
  package init(_ tokenizer: ModelTokenizer) throws(WeightmillError) {
    if let obstacle = tokenizer.decodingObstacle { throw obstacle }
    self.tokenizer = tokenizer
  }

  /// The text that another token adds.
  ///
  /// - Parameter id: An id of the vocabulary; others have no text.
  /// - Returns: The whole characters; broken UTF-8 shows as U+FFFD.
  package mutating func append(_ id: Int) -> String {
    let bytes = held + tokenizer.bytes(of: id)
    let whole = bytes.count - Self.unfinished(bytes)
    held = Array(bytes[whole...])
    return String(decoding: bytes[..<whole], as: UTF8.self)
  }

  /// The text that was held back, when no token follows.
  ///
  /// - Returns: Nothing, or U+FFFD for a character that was not finished.
  package mutating func finish() -> String {
    defer { held = [] }
    return String(decoding: held, as: UTF8.self)
  }

  /// How many bytes at the end are the beginning of a character that could still become whole.
  private static func unfinished(_ bytes: [UInt8]) -> Int {
    for count in 1...3 where count <= bytes.count {
      let lead = bytes[bytes.count - count]
      guard lead & 0xC0 != 0x80 else { continue }
      let length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2
      guard (0xC2...0xF4).contains(lead), count < length else { return 0 }
      let second = count > 1 ? bytes[bytes.count - count + 1] : nil
      return second.map { follows($0, lead: lead) } ?? true ? count : 0
    }
    return 0
  }

  /// Whether a second byte may follow a first one: no overlong forms, surrogates, nor code points
  /// above U+10FFFF (Unicode 16.0, table 3-7).
  private static func follows(_ second: UInt8, lead: UInt8) -> Bool {
    switch lead {
    case 0xE0: (0xA0...0xBF).contains(second)
    case 0xED: (0x80...0x9F).contains(second)
    case 0xF0: (0x90...0xBF).contains(second)
    case 0xF4: (0x80...0x8F).contains(second)
    default: true
    }
  }
}
