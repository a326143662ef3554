/// A checked, little-endian reader over bytes of a file.
///
/// Every read is bounded by the bytes that remain; errors carry the offset in the file.
package struct ByteCursor: Sendable {
  private let bytes: [UInt8]
  private let file: String
  private let base: Int
  /// The next byte to read, counted from the start of `bytes`.
  package private(set) var position: Int
  /// Whether a read failed because too few bytes remain: a larger window may help.
  package private(set) var ranOut = false

  /// Reads from the start of some bytes.
  ///
  /// - Parameters:
  ///   - bytes: The bytes.
  ///   - file: The file they come from, for messages.
  ///   - base: Where in that file they begin.
  package init(_ bytes: [UInt8], file: String, base: Int = 0) {
    self.bytes = bytes
    self.file = file
    self.base = base
    self.position = 0
  }

  /// The next byte to read, counted from the start of the file.
  package var offset: Int { base + position }

  /// The number of bytes that are left.
  package var remaining: Int { bytes.count - position }

  /// An error at the present position.
  ///
  /// - Parameters:
  ///   - problem: What is wrong.
  ///   - code: The class of the failure.
  ///   - remedy: What to do about it.
  /// - Returns: The error, with the offset in the file.
  package func error(
    _ problem: String, code: WeightmillError.Code = .malformed, remedy: String? = nil
  ) -> WeightmillError {
    WeightmillError(code, file, problem, at: "byte \(offset)", remedy: remedy)
  }

  /// Moves over bytes.
  ///
  /// - Parameter count: How many.
  /// - Throws: `malformed` when fewer remain.
  package mutating func skip(_ count: Int) throws(WeightmillError) {
    try require(count)
    position += count
  }

  /// Checks that bytes remain, without reading them.
  ///
  /// - Parameter count: How many.
  /// - Throws: `malformed` when fewer remain.
  package mutating func require(_ count: Int) throws(WeightmillError) {
    guard count >= 0, count <= remaining else {
      ranOut = true
      throw error(
        "ends too early: \(count) bytes wanted, \(remaining) left",
        remedy: "the download may be incomplete: fetch the file again")
    }
  }

  /// Reads bytes.
  ///
  /// - Parameter count: How many.
  /// - Returns: The bytes.
  /// - Throws: `malformed` when fewer remain.
  package mutating func readBytes(_ count: Int) throws(WeightmillError) -> ArraySlice<UInt8> {
    try require(count)
    defer { position += count }
    return bytes[position..<position + count]
  }

  /// Reads one byte.
  ///
  /// - Throws: `malformed` when none remains.
  package mutating func readByte() throws(WeightmillError) -> UInt8 {
    try require(1)
    defer { position += 1 }
    return bytes[position]
  }

  /// Reads a little-endian integer.
  ///
  /// - Parameter type: The type of the integer.
  /// - Returns: The integer.
  /// - Throws: `malformed` when too few bytes remain.
  package mutating func read<Value: FixedWidthInteger>(
    _ type: Value.Type = Value.self
  ) throws(WeightmillError) -> Value {
    let size = Value.bitWidth / 8
    var value: Value.Magnitude = 0
    for (index, byte) in try readBytes(size).enumerated() {
      value |= Value.Magnitude(truncatingIfNeeded: byte) << (8 * Value.Magnitude(index))
    }
    return Value(truncatingIfNeeded: value)
  }

  /// Reads UTF-8 text.
  ///
  /// - Parameter count: How many bytes.
  /// - Returns: The text.
  /// - Throws: `malformed` when fewer remain or they are not valid UTF-8.
  package mutating func readText(_ count: Int) throws(WeightmillError) -> String {
    let start = self
    guard let text = String(validating: try readBytes(count), as: UTF8.self) else {
      throw start.error("text is not valid UTF-8")
    }
    return text
  }
}
