package import WeightmillTensors

/// Looks for values that are infinite or not numbers.
package enum FloatScan {
  /// The index of the first value that is not finite, or `nil`.
  ///
  /// - Parameter values: The values.
  /// - Returns: The index, or `nil`.
  package static func firstNonFinite(_ values: [Float]) -> Int? {
    // Integers compare several at a time, and hardly ever is there anything to find.
    var largest: UInt32 = 0
    for value in values { largest = max(largest, value.bitPattern & 0x7FFF_FFFF) }
    return largest < 0x7F80_0000 ? nil : values.firstIndex { !$0.isFinite }
  }

  /// The number of values that are not finite.
  ///
  /// - Parameter values: The values.
  /// - Returns: The number of values.
  package static func nonFinite(_ values: [Float]) -> Int {
    var found = 0
    for value in values { found &+= value.isFinite ? 0 : 1 }
    return found
  }

  /// The types whose stored values can be looked at without decoding them.
  package static let types: [TensorType] = [.f16, .bf16, .f32, .f64]

  /// The number of stored values that are not finite; 0 for types other than `types`.
  ///
  /// - Parameters:
  ///   - bytes: The stored values, little endian.
  ///   - count: How many there are.
  ///   - type: How they are stored.
  /// - Returns: The number of values.
  package static func nonFinite(_ bytes: [UInt8], count: Int, type: TensorType) -> Int {
    switch type {
    case .f16: halves(bytes, count, exponent: 0x7C00)
    case .bf16: halves(bytes, count, exponent: 0x7F80)
    case .f32: words(bytes, count)
    case .f64: doubles(bytes, count)
    default: 0
    }
  }

  private static func halves(_ bytes: [UInt8], _ count: Int, exponent: UInt16) -> Int {
    precondition(bytes.count >= count * 2)
    return unsafe bytes.withUnsafeBytes { buffer in
      var found = 0
      for index in 0..<count {
        let bits = unsafe buffer.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self)
        found &+= UInt16(littleEndian: bits) & exponent == exponent ? 1 : 0
      }
      return found
    }
  }

  private static func words(_ bytes: [UInt8], _ count: Int) -> Int {
    precondition(bytes.count >= count * 4)
    return unsafe bytes.withUnsafeBytes { buffer in
      var found = 0
      for index in 0..<count {
        let bits = unsafe buffer.loadUnaligned(fromByteOffset: index &* 4, as: UInt32.self)
        found &+= UInt32(littleEndian: bits) & 0x7F80_0000 == 0x7F80_0000 ? 1 : 0
      }
      return found
    }
  }

  private static func doubles(_ bytes: [UInt8], _ count: Int) -> Int {
    precondition(bytes.count >= count * 8)
    let exponent: UInt64 = 0x7FF0_0000_0000_0000
    return unsafe bytes.withUnsafeBytes { buffer in
      var found = 0
      for index in 0..<count {
        let bits = unsafe buffer.loadUnaligned(fromByteOffset: index &* 8, as: UInt64.self)
        found &+= UInt64(littleEndian: bits) & exponent == exponent ? 1 : 0
      }
      return found
    }
  }
}
