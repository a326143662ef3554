package import WeightmillGGUF
import WeightmillStrictJSON
package import WeightmillTensors

/// Values as they are typed on a command line or stand in a file of JSON, and back.
package enum ValueText {
  /// Reads a value.
  ///
  /// - Parameters:
  ///   - text: The text: a number, `true` or `false`, a text, or for an array a JSON array.
  ///   - type: The type it shall have.
  ///   - what: What it is the value of, for messages.
  /// - Returns: The value.
  /// - Throws: `usage` when the text is no such value.
  package static func value(
    _ text: String, as type: ValueType, of what: String
  ) throws(WeightmillError) -> GGUFValue {
    guard type.isArray else { return try single(text, as: type.kind, of: what) }
    guard text.utf8.first(where: { $0 > 0x20 }) == UInt8(ascii: "[") else {
      throw wrong(
        text, of: what, type, remedy: #"write a JSON array, such as ["a", "b"] or [1, 2]"#)
    }
    guard let elements = try JSONParser.parse(Array(text.utf8), file: what).array else {
      throw wrong(text, of: what, type, remedy: "write a JSON array")
    }
    var values: [GGUFValue] = []
    values.reserveCapacity(elements.count)
    for element in elements {
      values.append(try value(element, as: type.kind, of: "an element of \(what)"))
    }
    return .array(type.kind, values)
  }

  /// Reads a value of JSON.
  ///
  /// - Parameters:
  ///   - json: The value.
  ///   - kind: The type it shall have, no array.
  ///   - what: What it is the value of, for messages.
  /// - Returns: The value.
  /// - Throws: `usage` when it is of another type.
  static func value(
    _ json: JSONValue, as kind: GGUFValue.Kind, of what: String
  ) throws(WeightmillError) -> GGUFValue {
    switch (json, kind) {
    case (.string(let text), .string): return .string(text)
    case (.bool(let truth), .bool): return .bool(truth)
    case (.number(let digits), let kind) where kind != .string && kind != .bool:
      return try single(digits, as: kind, of: what)
    default:
      throw wrong(json.string ?? json.description, of: what, ValueType(kind), remedy: nil)
    }
  }

  private static func single(
    _ text: String, as kind: GGUFValue.Kind, of what: String
  ) throws(WeightmillError) -> GGUFValue {
    let value: GGUFValue? =
      switch kind {
      case .uint8: UInt8(text).map { .uint8($0) }
      case .int8: Int8(text).map { .int8($0) }
      case .uint16: UInt16(text).map { .uint16($0) }
      case .int16: Int16(text).map { .int16($0) }
      case .uint32: UInt32(text).map { .uint32($0) }
      case .int32: Int32(text).map { .int32($0) }
      case .uint64: UInt64(text).map { .uint64($0) }
      case .int64: Int64(text).map { .int64($0) }
      case .float32:
        Float(text).flatMap { $0.isFinite && ($0 != 0 || isZero(text)) ? .float32($0) : nil }
      case .float64:
        Double(text).flatMap { $0.isFinite && ($0 != 0 || isZero(text)) ? .float64($0) : nil }
      case .bool: text == "true" ? .bool(true) : text == "false" ? .bool(false) : nil
      case .string: .string(text)
      case .array: nil
      }
    guard let value else {
      throw wrong(text, of: what, ValueType(kind), remedy: "write \(example(kind))")
    }
    return value
  }

  /// Whether a number's digits, before any exponent, are all zeros: else it is too small for its type.
  private static func isZero(_ text: String) -> Bool {
    text.prefix { $0 != "e" && $0 != "E" }.allSatisfy { !("1"..."9").contains($0) }
  }

  private static func example(_ kind: GGUFValue.Kind) -> String {
    switch kind {
    case .bool: "true or false"
    case .float32, .float64: "a number such as 0.5 or 1e-5"
    case .uint8: "an integer from 0 to 255"
    case .uint16: "an integer from 0 to 65535"
    case .uint32: "an integer from 0 to \(UInt32.max)"
    case .uint64: "an integer from 0 to \(UInt64.max)"
    case .int8: "an integer from -128 to 127"
    case .int16: "an integer from -32768 to 32767"
    case .int32: "an integer from \(Int32.min) to \(Int32.max)"
    case .int64: "an integer from \(Int64.min) to \(Int64.max)"
    case .string, .array: "a text"
    }
  }

  private static func wrong(
    _ text: String, of what: String, _ type: ValueType, remedy: String?
  ) -> WeightmillError {
    let shown = text.utf8.count > 40 ? String(text.prefix(40)) + "…" : text
    return WeightmillError(
      .usage, what, "\(quoted(shown)) is not of type \(type.name)", remedy: remedy)
  }

  /// A single value as text; that of `value(_:as:of:)` reads it back exactly.
  ///
  /// - Parameter value: The value; of an array, JSON.
  /// - Returns: The text.
  package static func text(_ value: GGUFValue) -> String {
    switch value {
    case .string(let text): text
    case .bool(let truth): "\(truth)"
    case .float32(let number): "\(number)"
    case .float64(let number): "\(number)"
    case .uint64(let number): "\(number)"
    case .int64(let number): "\(number)"
    case .array: json(value)
    default: value.integer.map { "\($0)" } ?? ""
    }
  }

  /// A value as JSON; numbers that JSON cannot write are texts.
  package static func json(_ value: GGUFValue) -> String {
    switch value {
    case .string(let text): JSONValue.string(text).description
    case .array(_, let elements): "[\(elements.map(json).joined(separator: ", "))]"
    case .float32(let number) where !number.isFinite: "\"\(number)\""
    case .float64(let number) where !number.isFinite: "\"\(number)\""
    default: text(value)
    }
  }
}
