package import WeightmillTensors

/// Reads the part of YAML that model cards are written in, as PyYAML's safe loader takes it.
///
/// Block and flow collections, all five kinds of scalars, comments. Not read, and an error: anchors,
/// aliases, tags, directives, keys that are no scalars, several documents. Without aliases a text
/// cannot stand for more values than it has bytes; depth and number are bounded besides.
/// Source: the YAML 1.1 specification; PyYAML 6 for what it does with each.
package struct YAMLReader {
  /// The longest text that is read, in bytes.
  package static let maximumBytes = 256 << 10
  /// The depth to which collections may be nested.
  static let maximumDepth = 32
  /// The largest number of values.
  static let maximumValues = 20_000

  /// A line without its indentation.
  struct Line {
    var indent: Int
    var bytes: ArraySlice<UInt8>

    var isBlank: Bool { bytes.isEmpty }
    /// Whether there is nothing on it but a comment.
    var isComment: Bool { bytes.first == Mark.hash }
    /// Whether it begins an element of a sequence.
    var isElement: Bool { bytes.first == Mark.dash && YAMLReader.endsWord(bytes.dropFirst()) }
  }

  /// Bytes that mean something.
  enum Mark {
    static let (space, newline, hash, dash) = (UInt8(0x20), UInt8(0x0A), UInt8(0x23), UInt8(0x2D))
    static let (colon, comma, quote) = (UInt8(0x3A), UInt8(0x2C), UInt8(0x22))
    static let (apostrophe, question, backslash) = (UInt8(0x27), UInt8(0x3F), UInt8(0x5C))
    static let (openBracket, closeBracket) = (UInt8(0x5B), UInt8(0x5D))
    static let (openBrace, closeBrace) = (UInt8(0x7B), UInt8(0x7D))
    static let (bar, greater) = (UInt8(0x7C), UInt8(0x3E))
    /// `&`, `*`, `!`: anchors, aliases, tags.
    static let references: Set<UInt8> = [0x26, 0x2A, 0x21]
    /// What no plain scalar begins with: `,[]{}#|>%@` and the backtick.
    static let reserved: Set<UInt8> = [
      0x2C, 0x5B, 0x5D, 0x7B, 0x7D, 0x23, 0x7C, 0x3E, 0x25, 0x40, 0x60,
    ]
  }

  let file: String
  let firstLine: Int
  var lines: [Line]
  var index = 0
  private(set) var valueCount = 0
  private(set) var repeated: [String] = []

  /// Reads a text.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - file: The file it comes from, for messages.
  ///   - firstLine: The number of its first line there.
  /// - Returns: The value, and names that occur twice in a mapping, of which the last counts.
  /// - Throws: `malformed` with the line; `unsupported` for what is not read.
  package static func parse(
    _ text: String, file: String, firstLine: Int = 1
  ) throws(WeightmillError) -> (value: YAMLValue, repeated: [String]) {
    guard text.utf8.count <= maximumBytes else {
      throw WeightmillError(
        .refused, file, "has more than \(maximumBytes) bytes of YAML", remedy: "make it shorter")
    }
    var reader = YAMLReader(text, file: file, firstLine: firstLine)
    let value = try reader.block(atLeast: 0, depth: 0)
    reader.skipBlank()
    guard reader.index == reader.lines.count else {
      throw reader.error("a line that belongs to nothing before it")
    }
    return (value, reader.repeated)
  }

  private init(_ text: String, file: String, firstLine: Int) {
    self.file = file
    self.firstLine = firstLine
    lines = Array(text.utf8).split(separator: Mark.newline, omittingEmptySubsequences: false).map {
      line in
      let line = line.last == 0x0D ? line.dropLast() : line
      let rest = line.drop { $0 == Mark.space }
      return Line(indent: rest.startIndex - line.startIndex, bytes: rest)
    }
  }

  func error(
    _ problem: String, code: WeightmillError.Code = .malformed
  ) -> WeightmillError {
    WeightmillError(
      code, file, "is not YAML as it is read here: \(problem)",
      at: "line \(firstLine + min(index, lines.count))")
  }

  /// Whether a word ends here: nothing follows, or a space.
  static func endsWord(_ rest: ArraySlice<UInt8>) -> Bool {
    rest.first.map { $0 == Mark.space } ?? true
  }

  mutating func count(depth: Int) throws(WeightmillError) {
    valueCount += 1
    guard valueCount <= Self.maximumValues else { throw error("too many values") }
    guard depth <= Self.maximumDepth else { throw error("nested too deeply") }
  }

  mutating func note(repeated name: String) { repeated.append(name) }

  mutating func skipBlank() {
    while index < lines.count, lines[index].isBlank || lines[index].isComment { index += 1 }
  }

  // MARK: Blocks

  /// The value that begins at the next line that is no comment; nothing if that is not indented enough.
  private mutating func block(
    atLeast indent: Int, depth: Int
  ) throws(WeightmillError) -> YAMLValue {
    skipBlank()
    guard index < lines.count, lines[index].indent >= indent else { return .scalar("", .null) }
    let line = lines[index]
    if line.isElement { return try sequence(indent: line.indent, depth: depth) }
    if try key(of: line.bytes) != nil { return try mapping(indent: line.indent, depth: depth) }
    return try value(line.bytes, parent: indent - 1, depth: depth)
  }

  private mutating func sequence(indent: Int, depth: Int) throws(WeightmillError) -> YAMLValue {
    try count(depth: depth)
    var elements: [YAMLValue] = []
    while true {
      skipBlank()
      guard index < lines.count, lines[index].indent >= indent else { break }
      guard lines[index].indent == indent else { throw error("a line is indented too far") }
      // A mapping's sequence may stand as far left as its key.
      guard lines[index].isElement else { break }
      let rest = lines[index].bytes.dropFirst().drop { $0 == Mark.space }
      if rest.isEmpty || rest.first == Mark.hash {
        index += 1
      } else {
        lines[index].indent += rest.startIndex - lines[index].bytes.startIndex
        lines[index].bytes = rest
      }
      elements.append(try block(atLeast: indent + 1, depth: depth + 1))
    }
    return .sequence(elements)
  }

  private mutating func mapping(indent: Int, depth: Int) throws(WeightmillError) -> YAMLValue {
    try count(depth: depth)
    var members: [YAMLValue.Member] = []
    var names: Set<TensorName> = []
    while true {
      skipBlank()
      guard index < lines.count, lines[index].indent >= indent else { break }
      guard lines[index].indent == indent else { throw error("a line is indented too far") }
      guard !lines[index].isElement, let (name, rest) = try key(of: lines[index].bytes) else {
        throw error("a line without a name and a colon")
      }
      if !names.insert(TensorName(name)).inserted { note(repeated: name) }
      let value = try member(rest, indent: indent, depth: depth + 1)
      members.append(YAMLValue.Member(name: name, value: value))
    }
    return .mapping(members)
  }

  /// The value behind a name and its colon.
  private mutating func member(
    _ rest: ArraySlice<UInt8>, indent: Int, depth: Int
  ) throws(WeightmillError) -> YAMLValue {
    let text = rest.drop { $0 == Mark.space }
    guard text.isEmpty || text.first == Mark.hash else {
      return try value(text, parent: indent, depth: depth)
    }
    index += 1
    skipBlank()
    if index < lines.count, lines[index].indent == indent, lines[index].isElement {
      return try sequence(indent: indent, depth: depth)
    }
    return try block(atLeast: indent + 1, depth: depth)
  }

  /// A name at the beginning of a line, and what follows its colon; `nil` if there is none.
  private func key(
    of bytes: ArraySlice<UInt8>
  ) throws(WeightmillError) -> (name: String, rest: ArraySlice<UInt8>)? {
    guard let first = bytes.first else { return nil }
    if first == Mark.question, Self.endsWord(bytes.dropFirst()) {
      throw error("a key that is no plain text", code: .unsupported)
    }
    guard !Mark.references.contains(first) else { throw references }
    if first == Mark.quote || first == Mark.apostrophe {
      var scanner = FlowScanner(bytes)
      guard let name = try? scanner.quoted(self) else { return nil }
      let rest = scanner.rest.drop { $0 == Mark.space }
      guard rest.first == Mark.colon, Self.endsWord(rest.dropFirst()) else { return nil }
      return (name, rest.dropFirst())
    }
    guard !Mark.reserved.contains(first) else { return nil }
    let end = Self.endOfPlain(bytes)
    guard end < bytes.endIndex, bytes[end] == Mark.colon else { return nil }
    let name = bytes[..<end].reversed().drop { $0 == Mark.space }.reversed()
    guard !name.isEmpty else { throw error("a colon without a name") }
    guard !name.elementsEqual("<<".utf8) else { throw references }
    return (String(decoding: name, as: UTF8.self), bytes[(end + 1)...])
  }

  var references: WeightmillError {
    error("anchors, aliases and tags are not read", code: .unsupported)
  }

  /// Where a plain scalar ends on its line: at a colon before a space, or at a comment.
  static func endOfPlain(_ bytes: ArraySlice<UInt8>) -> Int {
    for position in bytes.indices {
      if bytes[position] == Mark.colon, endsWord(bytes[(position + 1)...]) { return position }
      if bytes[position] == Mark.hash, position > bytes.startIndex,
        bytes[position - 1] == Mark.space
      {
        return position
      }
    }
    return bytes.endIndex
  }

  // MARK: Values

  /// A value that begins in the line; the next is the one after its last.
  private mutating func value(
    _ text: ArraySlice<UInt8>, parent: Int, depth: Int
  ) throws(WeightmillError) -> YAMLValue {
    try count(depth: depth)
    guard let first = text.first else { return .scalar("", .null) }
    guard !Mark.references.contains(first) else { throw references }
    switch first {
    case Mark.bar, Mark.greater:
      return try blockScalar(text, parent: parent)
    case Mark.quote, Mark.apostrophe, Mark.openBracket, Mark.openBrace:
      return try flow(text, depth: depth)
    default:
      return try plain(text, parent: parent)
    }
  }

  /// A scalar without quotation marks, over as many lines as are indented further.
  private mutating func plain(
    _ text: ArraySlice<UInt8>, parent: Int
  ) throws(WeightmillError) -> YAMLValue {
    guard let first = text.first, !Mark.reserved.contains(first),
      ![Mark.dash, Mark.question, Mark.colon].contains(first) || !Self.endsWord(text.dropFirst())
    else { throw error("a text that begins with a sign; put it into quotation marks") }
    var result: [UInt8] = []
    var rest = text
    var blank = 0
    while true {
      let end = Self.endOfPlain(rest)
      if end < rest.endIndex, rest[end] == Mark.colon {
        throw error("a colon within a text; put it into quotation marks")
      }
      if !result.isEmpty {
        result += blank == 0 ? [Mark.space] : [UInt8](repeating: Mark.newline, count: blank)
      }
      result += rest[..<end].reversed().drop { $0 == Mark.space }.reversed()
      index += 1
      guard end == rest.endIndex else { break }
      var next = index
      while next < lines.count, lines[next].isBlank { next += 1 }
      guard next < lines.count, lines[next].indent > parent, !lines[next].isComment else { break }
      blank = next - index
      index = next
      rest = lines[next].bytes
    }
    let string = String(decoding: result, as: UTF8.self)
    return .scalar(string, YAMLValue.ScalarKind(plain: string))
  }
}
