/// A word or a mark of Swift source. Comments are left out, and of strings all but interpolations.
struct Token {
  let text: String
  let line: Int
  let isWord: Bool

  func isMark(_ mark: String) -> Bool { !isWord && text == mark }
}

/// Cuts Swift source into tokens.
struct Lexer {
  private let bytes: [UInt8]
  private var index = 0
  private var line = 1
  private var tokens: [Token] = []

  static func tokens(of bytes: [UInt8]) -> [Token] {
    var lexer = Lexer(bytes: bytes)
    lexer.readCode(untilParenthesis: false)
    return lexer.tokens
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private func peek(_ ahead: Int = 0) -> UInt8 {
    index + ahead < bytes.count ? bytes[index + ahead] : 0
  }

  private func isNext(_ text: String) -> Bool {
    text.utf8.enumerated().allSatisfy { peek($0) == $1 }
  }

  private mutating func advance(_ count: Int = 1) {
    for _ in 0..<count where index < bytes.count {
      if bytes[index] == UInt8(ascii: "\n") { line += 1 }
      index += 1
    }
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
      true
    default: false
    }
  }

  /// Reads to the end, or behind the parenthesis that closes an interpolation.
  private mutating func readCode(untilParenthesis: Bool) {
    var depth = 0
    while index < bytes.count {
      let byte = peek()
      if isNext("//") {
        while index < bytes.count, peek() != UInt8(ascii: "\n") { advance() }
      } else if isNext("/*") {
        skipBlockComment()
      } else if byte == UInt8(ascii: "\"") || isRawStringStart {
        readString()
      } else if Self.isWordByte(byte) {
        readWord()
      } else if byte == UInt8(ascii: "`") {
        advance()
      } else if byte <= UInt8(ascii: " ") {
        advance()
      } else {
        if byte == UInt8(ascii: "(") { depth += 1 }
        if byte == UInt8(ascii: ")") { depth -= 1 }
        if untilParenthesis, depth < 0 { return advance() }
        readMark()
      }
    }
  }

  private mutating func readWord() {
    let start = index
    while Self.isWordByte(peek()) { advance() }
    let text = String(decoding: bytes[start..<index], as: UTF8.self)
    let isNumber = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[start])
    tokens.append(Token(text: text, line: line, isWord: !isNumber))
  }

  private mutating func readMark() {
    // An arrow closes no generic argument, and a range is no member access.
    for mark in ["->", "...", "..<"] where isNext(mark) {
      tokens.append(Token(text: mark, line: line, isWord: false))
      return advance(mark.utf8.count)
    }
    tokens.append(Token(text: String(UnicodeScalar(peek())), line: line, isWord: false))
    advance()
  }

  private mutating func skipBlockComment() {
    var depth = 0
    repeat {
      if isNext("/*") {
        depth += 1
        advance(2)
      } else if isNext("*/") {
        depth -= 1
        advance(2)
      } else {
        advance()
      }
    } while depth > 0 && index < bytes.count
  }

  private var isRawStringStart: Bool {
    guard peek() == UInt8(ascii: "#") else { return false }
    var ahead = 0
    while peek(ahead) == UInt8(ascii: "#") { ahead += 1 }
    return peek(ahead) == UInt8(ascii: "\"")
  }

  private mutating func readString() {
    var hashes = 0
    while peek() == UInt8(ascii: "#") {
      hashes += 1
      advance()
    }
    let quotes = isNext("\"\"\"") ? 3 : 1
    advance(quotes)
    tokens.append(Token(text: "\"", line: line, isWord: false))
    func areNext(_ count: Int, _ byte: UInt8, from ahead: Int) -> Bool {
      (0..<count).allSatisfy { peek(ahead + $0) == byte }
    }
    while index < bytes.count {
      if areNext(quotes, UInt8(ascii: "\""), from: 0),
        areNext(hashes, UInt8(ascii: "#"), from: quotes)
      {
        return advance(quotes + hashes)
      }
      if peek() == UInt8(ascii: "\\"), areNext(hashes, UInt8(ascii: "#"), from: 1) {
        advance(1 + hashes)
        let isInterpolation = peek() == UInt8(ascii: "(")
        advance()
        if isInterpolation { readCode(untilParenthesis: true) }
      } else {
        advance()
      }
    }
  }
}
