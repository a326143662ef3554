package import WeightmillTensors

/// Reads RFC 8259 JSON and nothing else.
///
/// Foundation's readers accept byte-order marks, UTF-16, trailing commas and duplicate names, and
/// merge names that differ only in Unicode normalisation; a tensor can be lost that way. Here each
/// of these is an error with its byte offset.
package struct JSONParser {
  /// The depth to which arrays and objects may be nested.
  package static let maximumDepth = 100

  /// The largest number of values in a text, since each takes more memory than bytes. The header of a
  /// safetensors file with 10,000 tensors has 70,000.
  package static let maximumValues = 1 << 21

  var cursor: ArraySlice<UInt8>
  var values = 0
  let file: String
  let base: Int

  /// Reads one JSON value that fills all of the bytes.
  ///
  /// - Parameters:
  ///   - bytes: UTF-8 text.
  ///   - file: The file it comes from, for messages.
  ///   - base: Where in the file the text begins.
  /// - Returns: The value.
  /// - Throws: `malformed` with the byte offset.
  package static func parse(
    _ bytes: [UInt8], file: String, base: Int = 0
  ) throws(WeightmillError) -> JSONValue {
    var parser = JSONParser(cursor: bytes[...], file: file, base: base)
    parser.skipSpace()
    let value = try parser.value(depth: 0)
    parser.skipSpace()
    guard parser.cursor.isEmpty else { throw parser.error("text after the end of the value") }
    return value
  }

  /// Reads a small JSON file.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - limit: The largest size accepted, in bytes.
  /// - Returns: The value.
  /// - Throws: `noInput`, or `malformed` when the file is too large or not strict JSON.
  package static func parse(
    path: String, limit: Int = 10_000_000
  ) throws(WeightmillError) -> JSONValue {
    let file = try InputFile(path)
    guard file.byteCount <= limit else {
      throw WeightmillError(
        .malformed, path, "is \(file.byteCount) bytes long; at most \(limit) are expected")
    }
    return try parse(try file.bytes(at: 0, count: file.byteCount), file: path)
  }

  func error(_ problem: String) -> WeightmillError {
    WeightmillError(
      .malformed, file, "is not strict JSON: \(problem)", at: "byte \(base + cursor.startIndex)")
  }

  mutating func skipSpace() {
    while let byte = cursor.first, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      cursor.removeFirst()
    }
  }

  mutating func take(_ byte: UInt8) -> Bool {
    guard cursor.first == byte else { return false }
    cursor.removeFirst()
    return true
  }

  mutating func value(depth: Int) throws(WeightmillError) -> JSONValue {
    guard depth <= Self.maximumDepth else { throw error("nested too deeply") }
    values += 1
    guard values <= Self.maximumValues else { throw error("too many values") }
    switch cursor.first {
    case UInt8(ascii: "{"): return .object(try object(depth: depth))
    case UInt8(ascii: "["): return .array(try array(depth: depth))
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")):
      return .number(try number())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case nil: throw error("the text ends too early")
    default: throw error("a value was expected")
    }
  }

  private mutating func word(
    _ word: String, _ value: JSONValue
  ) throws(WeightmillError) -> JSONValue {
    guard cursor.starts(with: word.utf8) else { throw error("a value was expected") }
    cursor.removeFirst(word.utf8.count)
    return value
  }

  private mutating func object(depth: Int) throws(WeightmillError) -> JSONObject {
    cursor.removeFirst()
    var members: [JSONObject.Member] = []
    var names: Set<TensorName> = []
    skipSpace()
    if take(UInt8(ascii: "}")) { return JSONObject(members: []) }
    while true {
      skipSpace()
      guard cursor.first == UInt8(ascii: "\"") else { throw error("a name was expected") }
      let name = try string()
      guard names.insert(TensorName(name)).inserted else {
        throw error("the name \(quoted(name)) occurs twice")
      }
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw error("a colon was expected") }
      skipSpace()
      members.append(JSONObject.Member(name: name, value: try value(depth: depth + 1)))
      skipSpace()
      if take(UInt8(ascii: "}")) { return JSONObject(members: members) }
      guard take(UInt8(ascii: ",")) else { throw error("a comma was expected") }
    }
  }

  private mutating func array(depth: Int) throws(WeightmillError) -> [JSONValue] {
    cursor.removeFirst()
    var elements: [JSONValue] = []
    skipSpace()
    if take(UInt8(ascii: "]")) { return [] }
    while true {
      skipSpace()
      elements.append(try value(depth: depth + 1))
      skipSpace()
      if take(UInt8(ascii: "]")) { return elements }
      guard take(UInt8(ascii: ",")) else { throw error("a comma was expected") }
    }
  }

  private mutating func number() throws(WeightmillError) -> String {
    let start = cursor
    _ = take(UInt8(ascii: "-"))
    if !take(UInt8(ascii: "0")) { try digits() }
    if take(UInt8(ascii: ".")) { try digits() }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      try digits()
    }
    let text = start[start.startIndex..<cursor.startIndex]
    guard text.count <= 64 else { throw error("a number of \(text.count) digits") }
    return String(decoding: text, as: UTF8.self)
  }

  private mutating func digits() throws(WeightmillError) {
    let count = cursor.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }.count
    guard count > 0 else { throw error("a digit was expected") }
    cursor.removeFirst(count)
  }

  mutating func string() throws(WeightmillError) -> String {
    cursor.removeFirst()
    var bytes: [UInt8] = []
    while let byte = cursor.first {
      switch byte {
      case UInt8(ascii: "\""):
        guard let text = String(validating: bytes, as: UTF8.self) else {
          throw error("a string is not valid UTF-8")
        }
        cursor.removeFirst()
        return text
      case UInt8(ascii: "\\"): try bytes.append(contentsOf: escape().utf8)
      case 0..<0x20: throw error("a control character in a string")
      default:
        bytes.append(byte)
        cursor.removeFirst()
      }
    }
    throw error("the text ends within a string")
  }

  private mutating func escape() throws(WeightmillError) -> String {
    cursor.removeFirst()
    guard let kind = cursor.popFirst() else { throw error("the text ends within a string") }
    switch kind {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try String(Character(unicodeEscape()))
    default: throw error("an unknown escape")
    }
  }

  private mutating func unicodeEscape() throws(WeightmillError) -> Unicode.Scalar {
    let first = try hexadecimal()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
      throw error("half of a surrogate pair")
    }
    let second = try hexadecimal()
    guard (0xDC00..<0xE000).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw error("half of a surrogate pair") }
    return scalar
  }

  private mutating func hexadecimal() throws(WeightmillError) -> UInt32 {
    let digits = cursor.prefix(4)
    guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw error("four hexadecimal digits were expected") }
    cursor.removeFirst(4)
    return value
  }
}
