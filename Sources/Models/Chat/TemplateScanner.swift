/// A piece of a Jinja template.
enum TemplatePiece: Equatable {
  /// Text that is written as it stands.
  case text(String)
  /// What stands between `{{` and `}}`.
  case output([TemplateToken])
  /// What stands between `{%` and `%}`.
  case statement([TemplateToken])
}

/// A word, a text in quotation marks, or another character of Jinja's expressions.
enum TemplateToken: Equatable {
  /// A name or a number, with the members that are asked of it: `message['role']` is
  /// `message.role`.
  case word(String)
  /// The text of a literal, its escapes resolved.
  case literal(String)
  /// Any other character.
  case symbol(UInt8)
}

/// Cuts a Jinja template into text, outputs and statements. Nothing is run.
///
/// White space goes as transformers sets Jinja up: `trim_blocks` and `lstrip_blocks`. Source: Jinja's
/// documentation of templates, "Whitespace Control", and `chat_template_utils.py` of transformers.
struct TemplateScanner {
  private let bytes: [UInt8]
  private var index = 0
  private var pieces: [TemplatePiece] = []
  /// Whether what stands before `index` ended a line.
  private var startsLine = true

  /// The pieces of a template; `nil` when a tag has no end.
  static func pieces(_ template: String) -> [TemplatePiece]? {
    var scanner = TemplateScanner(template)
    return scanner.scan() ? scanner.pieces : nil
  }

  private init(_ template: String) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(template.utf8.count)
    var wasReturn = false
    for byte in template.utf8 {
      // Every end of a line is a line feed to Jinja.
      if byte == 0x0A, wasReturn {
        wasReturn = false
        continue
      }
      wasReturn = byte == 0x0D
      bytes.append(wasReturn ? 0x0A : byte)
    }
    // The last line's end does not count.
    if bytes.last == 0x0A { bytes.removeLast() }
    self.bytes = bytes
  }

  private mutating func scan() -> Bool {
    while let tag = nextTag() {
      let kind = bytes[tag + 1]
      let sign = tag + 2 < bytes.count ? bytes[tag + 2] : 0
      addText(until: tag, kind: kind, sign: sign)
      index = tag + (sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") ? 3 : 2)
      switch kind {
      case UInt8(ascii: "#"): guard skipComment() else { return false }
      case UInt8(ascii: "%"):
        guard let tokens = tokens(end: UInt8(ascii: "%")) else { return false }
        pieces.append(.statement(tokens))
      default:
        guard let tokens = tokens(end: UInt8(ascii: "}")) else { return false }
        pieces.append(.output(tokens))
      }
    }
    add(bytes[index...])
    return true
  }

  /// Where the next `{{`, `{%` or `{#` stands.
  private func nextTag() -> Int? {
    var start = index
    while let brace = bytes[start...].firstIndex(of: UInt8(ascii: "{")), brace + 1 < bytes.count {
      if [UInt8(ascii: "{"), UInt8(ascii: "%"), UInt8(ascii: "#")].contains(bytes[brace + 1]) {
        return brace
      }
      start = brace + 1
    }
    return nil
  }

  private mutating func addText(until tag: Int, kind: UInt8, sign: UInt8) {
    var end = tag
    if sign == UInt8(ascii: "-") {
      while end > index, Self.isSpace(bytes[end - 1]) { end -= 1 }
    } else if sign != UInt8(ascii: "+"), kind != UInt8(ascii: "{") {
      // A statement that is the first of its line takes the space before it along.
      var start = end
      while start > index, bytes[start - 1] == 0x20 || bytes[start - 1] == 0x09 { start -= 1 }
      if start == index ? startsLine : bytes[start - 1] == 0x0A { end = start }
    }
    add(bytes[index..<end])
  }

  private mutating func add(_ text: ArraySlice<UInt8>) {
    guard !text.isEmpty else { return }
    pieces.append(.text(String(decoding: text, as: UTF8.self)))
  }

  private mutating func skipComment() -> Bool {
    while index + 1 < bytes.count {
      if bytes[index] == UInt8(ascii: "#"), bytes[index + 1] == UInt8(ascii: "}") {
        endTag(isTrimmed: bytes[index - 1] == UInt8(ascii: "-"), isBlock: true)
        return true
      }
      index += 1
    }
    return false
  }

  /// Steps over the two characters that end a tag, and over the space that goes with them.
  private mutating func endTag(isTrimmed: Bool, isBlock: Bool) {
    index += 2
    let start = index
    if isTrimmed {
      while index < bytes.count, Self.isSpace(bytes[index]) { index += 1 }
    } else if isBlock, index < bytes.count, bytes[index] == 0x0A {
      index += 1
    }
    startsLine = index > start && bytes[index - 1] == 0x0A
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x09...0x0D).contains(byte)
  }
}

/// What stands within a tag.
extension TemplateScanner {
  /// The tokens up to the end of the tag; `nil` when it has none.
  private mutating func tokens(end: UInt8) -> [TemplateToken]? {
    var tokens: [TemplateToken] = []
    var depth = 0
    while index < bytes.count {
      let byte = bytes[index]
      if Self.isSpace(byte) {
        index += 1
      } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
        guard let text = literal(byte) else { return nil }
        tokens.append(.literal(text))
      } else if Self.isWord(byte) {
        let word = self.word()
        if word.utf8.first == UInt8(ascii: "."), case .word(let object)? = tokens.last {
          tokens[tokens.count - 1] = .word(object + word)
        } else {
          tokens.append(.word(word))
        }
      } else if depth == 0, let sign = signOfEnd(end) {
        index += sign == 0 ? 0 : 1
        endTag(
          isTrimmed: sign == UInt8(ascii: "-"),
          isBlock: end == UInt8(ascii: "%") && sign != UInt8(ascii: "+"))
        return tokens
      } else {
        switch byte {
        case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
        case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
        default: break
        }
        tokens.append(.symbol(byte))
        index += 1
        if byte == UInt8(ascii: "]") { Self.joinMember(&tokens) }
      }
    }
    return nil
  }

  /// The sign before the end of a tag that begins here, 0 for none; `nil` when it does not end here.
  private func signOfEnd(_ end: UInt8) -> UInt8? {
    func ends(at index: Int) -> Bool {
      index + 1 < bytes.count && bytes[index] == end && bytes[index + 1] == UInt8(ascii: "}")
    }
    if ends(at: index) { return 0 }
    let byte = bytes[index]
    guard byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+"), ends(at: index + 1) else {
      return nil
    }
    return byte
  }

  /// Makes one word of `message`, `[`, `'role'`, `]`.
  private static func joinMember(_ tokens: inout [TemplateToken]) {
    guard tokens.count >= 4, case .literal(let name) = tokens[tokens.count - 2],
      tokens[tokens.count - 3] == .symbol(UInt8(ascii: "[")), !name.isEmpty,
      name.utf8.allSatisfy({ isWord($0) && $0 != UInt8(ascii: ".") })
    else { return }
    switch tokens[tokens.count - 4] {
    case .word(let object):
      tokens.removeLast(4)
      tokens.append(.word("\(object).\(name)"))
    case .symbol(UInt8(ascii: "]")), .symbol(UInt8(ascii: ")")):
      tokens.removeLast(3)
      tokens.append(.word(".\(name)"))
    default: break
    }
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), 0x80...:
      true
    default: false
    }
  }

  private mutating func word() -> String {
    let start = index
    while index < bytes.count, Self.isWord(bytes[index]) { index += 1 }
    return String(decoding: bytes[start..<index], as: UTF8.self)
  }

  /// The text of a literal, as Python reads its escapes; `nil` when it has no end.
  private mutating func literal(_ quote: UInt8) -> String? {
    var text: [UInt8] = []
    index += 1
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      if byte == quote { return String(decoding: text, as: UTF8.self) }
      guard byte == UInt8(ascii: "\\"), index < bytes.count else {
        text.append(byte)
        continue
      }
      let escape = bytes[index]
      index += 1
      switch escape {
      case UInt8(ascii: "n"): text.append(0x0A)
      case UInt8(ascii: "t"): text.append(0x09)
      case UInt8(ascii: "r"): text.append(0x0D)
      case 0x0A: break
      case UInt8(ascii: "x"): appendScalar(2, to: &text)
      case UInt8(ascii: "u"): appendScalar(4, to: &text)
      case UInt8(ascii: "U"): appendScalar(8, to: &text)
      case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""): text.append(escape)
      default: text += [byte, escape]
      }
    }
    return nil
  }

  /// A character that is given by its number; what is no number of one stands as U+FFFD.
  private mutating func appendScalar(_ count: Int, to text: inout [UInt8]) {
    let digits = String(decoding: bytes[index...].prefix(count), as: UTF8.self)
    index += min(count, bytes.count - index)
    let scalar = UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init) ?? "\u{FFFD}"
    text += Array(String(Character(scalar)).utf8)
  }
}

extension ArraySlice<TemplateToken> {
  /// The tokens as one text: no spaces but between words, literals in double quotation marks, and
  /// whatever a loop calls a message, its parts are `message.role` and `message.content`.
  var code: String {
    var result = ""
    var wasWord = false
    for token in self {
      switch token {
      case .word(let word):
        if wasWord { result += " " }
        result += Self.plain(word)
      case .literal(let text): result += "\"\(text)\""
      case .symbol(let byte): result.unicodeScalars.append(Unicode.Scalar(byte))
      }
      if case .word = token { wasWord = true } else { wasWord = false }
    }
    return result
  }

  private static func plain(_ word: String) -> String {
    guard let dot = word.utf8.firstIndex(of: UInt8(ascii: ".")), dot > word.startIndex else {
      return word
    }
    let member = word[dot...].dropFirst().prefix { $0 != "." }
    return member == "role" || member == "content" ? "message" + word[dot...] : word
  }

  /// The tokens between those that satisfy a condition outside of all brackets.
  func cut(at isSeparator: (TemplateToken) -> Bool) -> [ArraySlice<TemplateToken>] {
    var result: [ArraySlice<TemplateToken>] = []
    var depth = 0
    var start = startIndex
    for index in indices {
      switch self[index] {
      case .symbol(UInt8(ascii: "(")), .symbol(UInt8(ascii: "[")), .symbol(UInt8(ascii: "{")):
        depth += 1
      case .symbol(UInt8(ascii: ")")), .symbol(UInt8(ascii: "]")), .symbol(UInt8(ascii: "}")):
        depth -= 1
      case let token where depth == 0 && isSeparator(token):
        result.append(self[start..<index])
        start = index + 1
      default: break
      }
    }
    return result + [self[start...]]
  }

  /// The tokens without the parentheses that enclose all of them; `nil` when none do.
  var unwrapped: ArraySlice<TemplateToken>? {
    guard count >= 2, first == .symbol(UInt8(ascii: "(")), last == .symbol(UInt8(ascii: ")")) else {
      return nil
    }
    var depth = 0
    for index in indices.dropLast() {
      if self[index] == .symbol(UInt8(ascii: "(")) { depth += 1 }
      if self[index] == .symbol(UInt8(ascii: ")")) { depth -= 1 }
      if depth == 0 { return nil }
    }
    return self[(startIndex + 1)..<(endIndex - 1)]
  }
}
