package import WeightmillTensors

/// The float32 values of importance matrices, in either file format.
package enum ImatrixValues {
  /// Little-endian float32 values.
  package static func decode(_ bytes: [UInt8]) -> [Float] {
    stride(from: 0, to: bytes.count - 3, by: 4).map { offset in
      let word = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[offset + $1]) << (8 * UInt32($1)) }
      return Float(bitPattern: word)
    }
  }

  /// Little-endian bytes of float32 values.
  package static func encode(_ values: [Float]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(4 * values.count)
    for value in values {
      for byte in 0..<4 {
        bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32(byte))))
      }
    }
    return bytes
  }

  /// Little-endian float64 values.
  package static func decodeDoubles(_ bytes: [UInt8]) -> [Double] {
    stride(from: 0, to: bytes.count - 7, by: 8).map { offset in
      let word = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[offset + $1]) << (8 * UInt64($1)) }
      return Double(bitPattern: word)
    }
  }

  /// Little-endian bytes of float64 values.
  package static func encode(_ values: [Double]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(8 * values.count)
    for value in values {
      for byte in 0..<8 {
        bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt64(byte))))
      }
    }
    return bytes
  }

  /// Refuses sums of squares that cannot be any.
  ///
  /// - Parameters:
  ///   - sums: The sums.
  ///   - file: The file they come from.
  ///   - position: Where in the file: the tensor or the entry.
  /// - Throws: `malformed` for one that is negative, infinite or not a number.
  package static func checkSums(
    _ sums: [Float], file: String, at position: String
  ) throws(WeightmillError) {
    guard let column = sums.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) else { return }
    throw WeightmillError(
      .malformed, file, "the sum of squares of column \(column) is \(sums[column])", at: position,
      remedy: "compute it anew with `weightmill imatrix`")
  }
}
