/// One step of making a text of tokens' texts.
enum TextDecoder: Equatable, Sendable {
  /// Characters of GPT-2's alphabet become bytes.
  case byteLevel
  /// Another text for each occurrence of one.
  case replace([Unicode.Scalar], with: [Unicode.Scalar])
  /// `<0xHH>` become bytes, where those in a row are UTF-8; U+FFFD each, where they are not.
  case byteFallback
  /// Everything becomes one text.
  case fuse
  /// Drops a character from the ends of each text, at most so many times.
  case strip(Unicode.Scalar, start: Int, end: Int)
  /// Marks become spaces, but for those of the first text if one was put before it.
  case metaspace(mark: Unicode.Scalar, dropsFirst: Bool)

  /// The texts after this step.
  func applied(to texts: [[Unicode.Scalar]]) -> [[Unicode.Scalar]] {
    switch self {
    case .byteLevel:
      return [Array(String(decoding: texts.flatMap(Self.bytes), as: UTF8.self).unicodeScalars)]
    case .replace(let old, let new):
      return texts.map { $0.replacing(old, with: new) }
    case .byteFallback:
      return Self.joiningBytes(texts)
    case .fuse:
      return [Array(texts.joined())]
    case .strip(let scalar, let start, let end):
      return texts.map { text in
        let first = text.prefix(start).prefix { $0 == scalar }.count
        let rest = text.dropFirst(first)
        return Array(rest.dropLast(rest.suffix(end).reversed().prefix { $0 == scalar }.count))
      }
    case .metaspace(let mark, let dropsFirst):
      return texts.enumerated().map { index, text in
        index == 0 && dropsFirst
          ? text.filter { $0 != mark } : text.replacing([mark], with: [" "])
      }
    }
  }

  /// The bytes of a token in the midst of a text, where steps that change a text's ends do nothing.
  static func bytes(of token: [Unicode.Scalar], _ steps: [TextDecoder]?) -> [UInt8] {
    var text = token
    var isFused = false
    for step in steps ?? [] {
      switch step {
      case .byteLevel: return bytes(of: text)
      case .byteFallback:
        if let byte = byte(of: text) { return [byte] }
      case .fuse: isFused = true
      case .strip where isFused: continue
      case .replace, .strip: text = step.applied(to: [text]).flatMap(\.self)
      case .metaspace(let mark, _): text = text.replacing([mark], with: [" "])
      }
    }
    let bytes = Array(String(String.UnicodeScalarView(text)).utf8)
    return steps == nil ? [0x20] + bytes : bytes
  }

  /// The byte that a token `<0xHH>` stands for.
  private static func byte(of text: [Unicode.Scalar]) -> UInt8? {
    Vocabulary.Token(text: String(String.UnicodeScalarView(text)), score: 0, kind: .byte).byte
  }

  /// The bytes of a token: by the alphabet, or its UTF-8 if it has characters outside of it.
  private static func bytes(of text: [Unicode.Scalar]) -> [UInt8] {
    let bytes = text.compactMap { ByteLevelAlphabet.byte(of: $0) }
    return bytes.count == text.count ? bytes : Array(String(String.UnicodeScalarView(text)).utf8)
  }

  private static func joiningBytes(_ texts: [[Unicode.Scalar]]) -> [[Unicode.Scalar]] {
    var result: [[Unicode.Scalar]] = []
    var bytes: [UInt8] = []
    func flush() {
      guard !bytes.isEmpty else { return }
      if let text = String(validating: bytes, as: UTF8.self) {
        result.append(Array(text.unicodeScalars))
      } else {
        result += bytes.map { _ in ["\u{FFFD}"] }
      }
      bytes = []
    }
    for text in texts {
      if let byte = byte(of: text) {
        bytes.append(byte)
      } else {
        flush()
        result.append(text)
      }
    }
    flush()
    return result
  }
}
