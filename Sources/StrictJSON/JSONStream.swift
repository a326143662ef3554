package import WeightmillTensors

/// Reads a large JSON text piece by piece, as strictly as `JSONParser`.
///
/// A vocabulary has millions of values; a tree of them would take several times the memory of what
/// is kept. The caller asks for what it expects next and is told where the text holds something
/// else. Names of an object are compared as bytes, and none may occur twice.
package struct JSONStream {
  /// The kind of a value.
  package enum Kind: Sendable {
    /// A value without parts.
    case null, bool, number, string
    /// A value with parts.
    case array, object
  }

  private var parser: JSONParser
  private var depth = 0

  /// Starts before the first value of a text.
  ///
  /// - Parameters:
  ///   - bytes: UTF-8 text.
  ///   - file: The file it comes from, for messages.
  package init(_ bytes: [UInt8], file: String) {
    parser = JSONParser(cursor: bytes[...], file: file, base: 0)
    parser.skipSpace()
  }

  /// The kind of the next value, by its first byte; `nil` when nothing that follows can be one.
  package var kind: Kind? {
    switch parser.cursor.first {
    case UInt8(ascii: "{"): .object
    case UInt8(ascii: "["): .array
    case UInt8(ascii: "\""): .string
    case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): .number
    case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
    case UInt8(ascii: "n"): .null
    default: nil
    }
  }

  /// An error at the present position.
  ///
  /// - Parameter problem: What is wrong, after "is not strict JSON".
  /// - Returns: The error, `malformed` with the byte offset.
  package func error(_ problem: String) -> WeightmillError { parser.error(problem) }

  /// Reads a value whole.
  ///
  /// - Parameter limit: How many values it may hold, itself included.
  /// - Returns: The value.
  /// - Throws: `malformed` with the byte offset.
  package mutating func value(limit: Int) throws(WeightmillError) -> JSONValue {
    parser.values = max(0, JSONParser.maximumValues - limit)
    return try parser.value(depth: depth)
  }

  /// Reads a string.
  ///
  /// - Returns: The text, escapes resolved.
  /// - Throws: `malformed` with the byte offset.
  package mutating func string() throws(WeightmillError) -> String {
    guard kind == .string else { throw missing("a string") }
    return try parser.string()
  }

  /// Reads an object member by member.
  ///
  /// - Parameter member: Called with each name; must read that member's value.
  /// - Throws: `malformed` with the byte offset, and what `member` throws.
  package mutating func object(
    _ member: (String, inout JSONStream) throws(WeightmillError) -> Void
  ) throws(WeightmillError) {
    guard try open(UInt8(ascii: "{"), until: UInt8(ascii: "}")) else { return }
    var names: Set<TensorName> = []
    repeat {
      guard kind == .string else { throw missing("a name") }
      let name = try parser.string()
      guard names.insert(TensorName(name)).inserted else {
        throw error("the name \(quoted(name)) occurs twice")
      }
      parser.skipSpace()
      guard parser.take(UInt8(ascii: ":")) else { throw missing("a colon") }
      parser.skipSpace()
      try member(name, &self)
    } while try another(until: UInt8(ascii: "}"))
  }

  /// Reads an array element by element.
  ///
  /// - Parameter element: Called before each element; must read it.
  /// - Throws: `malformed` with the byte offset, and what `element` throws.
  package mutating func array(
    _ element: (inout JSONStream) throws(WeightmillError) -> Void
  ) throws(WeightmillError) {
    guard try open(UInt8(ascii: "["), until: UInt8(ascii: "]")) else { return }
    repeat {
      try element(&self)
    } while try another(until: UInt8(ascii: "]"))
  }

  /// Checks that nothing follows.
  ///
  /// - Throws: `malformed` with the byte offset.
  package mutating func end() throws(WeightmillError) {
    parser.skipSpace()
    guard parser.cursor.isEmpty else { throw error("text after the end of the value") }
  }

  private func missing(_ what: String) -> WeightmillError {
    error(parser.cursor.isEmpty ? "the text ends too early" : "\(what) was expected")
  }

  /// Goes into an object or an array; whether anything is in it.
  private mutating func open(_ begin: UInt8, until end: UInt8) throws(WeightmillError) -> Bool {
    guard parser.take(begin) else {
      throw missing(begin == UInt8(ascii: "{") ? "an object" : "an array")
    }
    guard depth <= JSONParser.maximumDepth else { throw error("nested too deeply") }
    depth += 1
    parser.skipSpace()
    guard parser.take(end) else { return true }
    depth -= 1
    return false
  }

  /// Goes to the next member or element, if there is one.
  private mutating func another(until end: UInt8) throws(WeightmillError) -> Bool {
    parser.skipSpace()
    if parser.take(end) {
      depth -= 1
      return false
    }
    guard parser.take(UInt8(ascii: ",")) else { throw missing("a comma") }
    parser.skipSpace()
    return true
  }
}
