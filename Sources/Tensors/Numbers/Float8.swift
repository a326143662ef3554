/// Eight-bit numbers with four bits of exponent (bias 7) and three of fraction; no infinities.
///
/// `0x7F` and `0xFF` are NaN, so the largest number is 448. Source: "FP8 Formats for Deep Learning"
/// (arXiv 2209.05433); torch calls the type `float8_e4m3fn`.
package enum Float8E4M3 {
  /// The value of a number; exact.
  ///
  /// - Parameter bits: The number.
  /// - Returns: The value.
  @inlinable @inline(__always)
  package static func float(_ bits: UInt8) -> Float {
    let bits = UInt32(bits)
    // Multiplying by 2^120 moves the exponent bias from 7 to 127, for subnormals too.
    let scaled = Float(bitPattern: (bits & 0x7F) << 20) * Float(bitPattern: 0x7B80_0000)
    let special: UInt32 = bits & 0x7F == 0x7F ? 0x7FC0_0000 : 0
    return Float(bitPattern: scaled.bitPattern | special | (bits & 0x80) << 24)
  }
}

/// Eight-bit numbers with five bits of exponent and two of fraction: upper halves of binary16.
///
/// Source: "FP8 Formats for Deep Learning" (arXiv 2209.05433); torch calls the type `float8_e5m2`.
package enum Float8E5M2 {
  /// The value of a number; exact.
  ///
  /// - Parameter bits: The number.
  /// - Returns: The value.
  @inlinable @inline(__always)
  package static func float(_ bits: UInt8) -> Float { Binary16.float(UInt16(bits) << 8) }
}

/// Eight-bit numbers as `Float8E4M3`, but with bias 8, and `0x80` as the only NaN.
///
/// No -0 and no infinities: "finite, NaN, unsigned zero". Source: arXiv 2206.02915; torch calls the
/// type `float8_e4m3fnuz`.
package enum Float8E4M3FNUZ {
  /// The value of a number; exact.
  ///
  /// - Parameter bits: The number.
  /// - Returns: The value.
  @inlinable @inline(__always)
  package static func float(_ bits: UInt8) -> Float {
    let magnitude = Float(bitPattern: UInt32(bits & 0x7F) << 20)
    let scaled = (magnitude * Float(bitPattern: 0x7B00_0000)).bitPattern
    return Float(bitPattern: bits == 0x80 ? 0x7FC0_0000 : scaled | UInt32(bits & 0x80) << 24)
  }
}

/// Eight-bit numbers as `Float8E5M2`, but with bias 16, and `0x80` as the only NaN.
///
/// Source: arXiv 2206.02915; torch calls the type `float8_e5m2fnuz`.
package enum Float8E5M2FNUZ {
  /// The value of a number; exact.
  ///
  /// - Parameter bits: The number.
  /// - Returns: The value.
  @inlinable @inline(__always)
  package static func float(_ bits: UInt8) -> Float {
    let magnitude = Float(bitPattern: UInt32(bits & 0x7F) << 21)
    let scaled = (magnitude * Float(bitPattern: 0x7700_0000)).bitPattern
    return Float(bitPattern: bits == 0x80 ? 0x7FC0_0000 : scaled | UInt32(bits & 0x80) << 24)
  }
}
