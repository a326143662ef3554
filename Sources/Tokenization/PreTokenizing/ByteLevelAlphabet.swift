/// GPT-2's alphabet: a visible character for each of the 256 bytes, so that tokens are text.
///
/// The bytes of Latin-1's visible characters (21–7E, A1–AC, AE–FF) stand for themselves; the other
/// 68, in ascending order, have U+0100, U+0101 … A space is `Ġ`, U+0120. Source: OpenAI's GPT-2,
/// `encoder.py`.
enum ByteLevelAlphabet {
  /// The character of each byte.
  static let scalars: [Unicode.Scalar] = {
    var next: UInt32 = 0x100
    return (UInt8.min...UInt8.max).map { byte in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Unicode.Scalar(byte)
      default:
        defer { next += 1 }
        return Unicode.Scalar(next) ?? "\u{FFFD}"
      }
    }
  }()

  private static let bytes: [Unicode.Scalar: UInt8] = {
    var bytes: [Unicode.Scalar: UInt8] = [:]
    for (byte, scalar) in scalars.enumerated() { bytes[scalar] = UInt8(byte) }
    return bytes
  }()

  /// The byte that a character stands for, or `nil` for characters outside the alphabet.
  static func byte(of scalar: Unicode.Scalar) -> UInt8? { bytes[scalar] }

  /// Each byte of a text's UTF-8 as its character.
  static func encode(_ text: some Sequence<Unicode.Scalar>) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    for scalar in text {
      for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
        result.append(scalars[Int(byte)])
      }
    }
    return result
  }

  /// The characters of some bytes, as text.
  static func text(of bytes: some Sequence<UInt8>) -> String {
    var text = String.UnicodeScalarView()
    for byte in bytes { text.append(scalars[Int(byte)]) }
    return String(text)
  }
}
