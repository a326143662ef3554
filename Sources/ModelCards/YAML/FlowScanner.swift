import WeightmillTensors

/// Collections in brackets and texts in quotation marks, which may go over several lines.
extension YAMLReader {
  /// Reads one that begins in the line; nothing but a comment may follow it there.
  mutating func flow(
    _ text: ArraySlice<UInt8>, depth: Int
  ) throws(WeightmillError) -> YAMLValue {
    var scanner = FlowScanner(text)
    scanner.following = lines[(index + 1)...]
    let value = try scanner.value(&self, depth: depth)
    let rest = scanner.restOfLine.drop { $0 == Mark.space }
    index += scanner.linesTaken
    guard rest.isEmpty || rest.first == Mark.hash else {
      throw error("something behind the end of a value")
    }
    index += 1
    return value
  }
}

/// Goes over the bytes of a value, and takes another line when they run out.
struct FlowScanner {
  private typealias Mark = YAMLReader.Mark

  private var bytes: [UInt8]
  private var position = 0
  /// The lines that may be taken.
  var following: ArraySlice<YAMLReader.Line> = []
  /// How many were.
  private(set) var linesTaken = 0

  init(_ text: ArraySlice<UInt8>) { bytes = Array(text) }

  /// What has not been gone over.
  var rest: ArraySlice<UInt8> { bytes[position...] }

  /// What has not been gone over of the line.
  var restOfLine: ArraySlice<UInt8> { rest.prefix { $0 != Mark.newline } }

  /// The next byte; a line end when there is another line; `nil` at the end.
  private mutating func peek(_ ahead: Int = 0) -> UInt8? {
    while position + ahead >= bytes.count {
      guard let line = following.first else { return nil }
      following = following.dropFirst()
      bytes.append(Mark.newline)
      bytes += line.bytes
      linesTaken += 1
    }
    return bytes[position + ahead]
  }

  /// The next byte of what has been taken; lines are only taken when a value is not over.
  private var here: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = peek() {
      if byte == Mark.space || byte == Mark.newline {
        position += 1
      } else if byte == Mark.hash,
        position == 0 || bytes[position - 1] == Mark.space || bytes[position - 1] == Mark.newline
      {
        while let byte = peek(), byte != Mark.newline { position += 1 }
      } else {
        return
      }
    }
  }

  mutating func value(
    _ reader: inout YAMLReader, depth: Int
  ) throws(WeightmillError) -> YAMLValue {
    switch peek() {
    case Mark.openBracket?: return try sequence(&reader, depth: depth)
    case Mark.openBrace?: return try mapping(&reader, depth: depth)
    case Mark.quote?, Mark.apostrophe?: return .scalar(try quoted(reader), .text)
    case let byte? where Mark.references.contains(byte): throw reader.references
    default: return try plain(reader)
    }
  }

  private mutating func sequence(
    _ reader: inout YAMLReader, depth: Int
  ) throws(WeightmillError) -> YAMLValue {
    position += 1
    var elements: [YAMLValue] = []
    while true {
      skipSpace()
      if peek() == Mark.closeBracket { break }
      try reader.count(depth: depth + 1)
      let element = try value(&reader, depth: depth + 1)
      skipSpace()
      if peek() == Mark.colon {
        // A pair without braces is a mapping of one.
        position += 1
        elements.append(
          .mapping([try member(element, &reader, depth: depth + 1)]))
      } else {
        elements.append(element)
      }
      guard try goesOn(reader, until: Mark.closeBracket) else { break }
    }
    position += 1
    return .sequence(elements)
  }

  private mutating func mapping(
    _ reader: inout YAMLReader, depth: Int
  ) throws(WeightmillError) -> YAMLValue {
    position += 1
    var members: [YAMLValue.Member] = []
    var names: Set<TensorName> = []
    while true {
      skipSpace()
      if peek() == Mark.closeBrace { break }
      try reader.count(depth: depth + 1)
      let key = try value(&reader, depth: depth + 1)
      skipSpace()
      var next = YAMLValue.Member(name: key.name ?? "", value: .scalar("", .null))
      if peek() == Mark.colon {
        position += 1
        next = try member(key, &reader, depth: depth + 1)
      } else if key.name == nil {
        throw reader.error("a key that is no plain text", code: .unsupported)
      }
      if !names.insert(TensorName(next.name)).inserted { reader.note(repeated: next.name) }
      members.append(next)
      guard try goesOn(reader, until: Mark.closeBrace) else { break }
    }
    position += 1
    return .mapping(members)
  }

  /// The value behind a key and its colon.
  private mutating func member(
    _ key: YAMLValue, _ reader: inout YAMLReader, depth: Int
  ) throws(WeightmillError) -> YAMLValue.Member {
    guard let name = key.name else {
      throw reader.error("a key that is no plain text", code: .unsupported)
    }
    guard name != "<<" else { throw reader.references }
    skipSpace()
    let ends = [Mark.comma, Mark.closeBracket, Mark.closeBrace]
    let isEmpty = peek().map { ends.contains($0) } ?? true
    return YAMLValue.Member(
      name: name, value: isEmpty ? .scalar("", .null) : try value(&reader, depth: depth))
  }

  /// Whether another element follows: a comma, or else the end must be here.
  private mutating func goesOn(
    _ reader: YAMLReader, until end: UInt8
  ) throws(WeightmillError) -> Bool {
    skipSpace()
    guard let byte = peek() else { throw reader.error("a bracket that is never closed") }
    if byte == Mark.comma {
      position += 1
      return true
    }
    guard byte == end else { throw reader.error("no comma between two elements") }
    return false
  }

  /// A scalar without quotation marks, within brackets.
  private mutating func plain(_ reader: YAMLReader) throws(WeightmillError) -> YAMLValue {
    guard let first = peek() else { throw reader.error("a bracket that is never closed") }
    let next = peek(1)
    guard !Mark.reserved.contains(first), first != Mark.question, first != Mark.colon,
      first != Mark.dash || !(next == Mark.space || next == Mark.newline || next == nil)
    else { throw reader.error("a text that begins with a sign; put it into quotation marks") }
    var result: [UInt8] = []
    while true {
      takeWord(&result)
      let spaces = takeSpace()
      guard let byte = peek(), spaces > 0, byte != Mark.hash, !endsPlain(byte) else { break }
      result += spaces == 1 ? [Mark.space] : [UInt8](repeating: Mark.newline, count: spaces - 1)
    }
    let text = String(decoding: result, as: UTF8.self)
    return .scalar(text, YAMLValue.ScalarKind(plain: text))
  }

  /// Takes what a plain scalar has on its line.
  private mutating func takeWord(_ result: inout [UInt8]) {
    let start = position
    while let byte = peek(), byte != Mark.newline, !endsPlain(byte) {
      if byte == Mark.hash, position > start, bytes[position - 1] == Mark.space { break }
      position += 1
    }
    // Spaces at the end are none of it.
    while position > start, bytes[position - 1] == Mark.space { position -= 1 }
    result += bytes[start..<position]
  }

  /// Skips spaces and line ends: 0 for none of the latter, else 1 more than there are blank lines.
  private mutating func takeSpace() -> Int {
    var lines = 0
    while let byte = peek(), byte == Mark.space || byte == Mark.newline {
      lines += byte == Mark.newline ? 1 : 0
      position += 1
    }
    return lines
  }

  private mutating func endsPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case Mark.comma, Mark.question, Mark.openBracket, Mark.closeBracket, Mark.openBrace,
      Mark.closeBrace:
      return true
    case Mark.colon:
      guard let next = peek(1) else { return true }
      return [
        Mark.space, Mark.newline, Mark.comma, Mark.openBracket, Mark.closeBracket, Mark.openBrace,
        Mark.closeBrace,
      ].contains(next)
    default: return false
    }
  }

  // MARK: Quotation marks

  /// A text in quotation marks of either kind.
  mutating func quoted(_ reader: YAMLReader) throws(WeightmillError) -> String {
    let mark = bytes[position]
    position += 1
    var result: [UInt8] = []
    while let byte = peek() {
      if byte == mark {
        position += 1
        guard mark == Mark.apostrophe, here == mark else {
          return String(decoding: result, as: UTF8.self)
        }
        result.append(mark)
        position += 1
      } else if byte == Mark.backslash, mark == Mark.quote {
        position += 1
        try escape(&result, reader)
      } else if byte == Mark.newline || byte == Mark.space {
        takeFold(&result)
      } else {
        result.append(byte)
        position += 1
      }
    }
    throw reader.error("a quotation mark that is never closed")
  }

  /// Takes spaces as they are, but folds them where a line ends among them.
  private mutating func takeFold(_ result: inout [UInt8]) {
    let start = position
    let lines = takeSpace()
    if lines == 0 {
      result += bytes[start..<position]
    } else {
      result += lines == 1 ? [Mark.space] : [UInt8](repeating: Mark.newline, count: lines - 1)
    }
  }

  private static let escapes: [UInt8: [UInt8]] = [
    0x30: [0], 0x61: [7], 0x62: [8], 0x74: [9], 0x09: [9], 0x6E: [10], 0x76: [11], 0x66: [12],
    0x72: [13], 0x65: [27], 0x20: [0x20], 0x22: [0x22], 0x2F: [0x2F], 0x5C: [0x5C],
    0x4E: [0xC2, 0x85], 0x5F: [0xC2, 0xA0], 0x4C: [0xE2, 0x80, 0xA8], 0x50: [0xE2, 0x80, 0xA9],
  ]

  private mutating func escape(
    _ result: inout [UInt8], _ reader: YAMLReader
  ) throws(WeightmillError) {
    guard let byte = peek() else { throw reader.error("a quotation mark that is never closed") }
    position += 1
    if byte == Mark.newline {
      // The line goes on in the next, without a space.
      let lines = takeSpace()
      result += [UInt8](repeating: Mark.newline, count: lines)
    } else if let plain = Self.escapes[byte] {
      result += plain
    } else if let digits = [0x78: 2, 0x75: 4, 0x55: 8][byte] {
      var value: UInt32 = 0
      for _ in 0..<digits {
        guard let digit = peek(), let number = Character(UnicodeScalar(digit)).hexDigitValue else {
          throw reader.error("an escape without its digits")
        }
        value = value << 4 | UInt32(number)
        position += 1
      }
      guard let scalar = UnicodeScalar(value) else {
        throw reader.error("an escape that is no character")
      }
      result += Array(String(Character(scalar)).utf8)
    } else {
      throw reader.error("an unknown escape")
    }
  }
}

extension YAMLValue {
  /// The text as the name of a member; `nil` if this is no scalar.
  fileprivate var name: String? {
    if case .scalar(let text, _) = self { text } else { nil }
  }
}
