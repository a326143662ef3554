/// IEEE binary16 numbers as bits, converted with integer arithmetic.
///
/// `Float16` is missing on Intel Macs and a library call per value on Linux without F16C; these
/// are neither, and their results are the same bits everywhere.
package enum Binary16 {
  /// The value of a binary16 number; exact.
  ///
  /// - Parameter bits: The number.
  /// - Returns: The value.
  @inlinable @inline(__always)
  package static func float(_ bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let magnitude = UInt32(bits & 0x7FFF) << 13
    // Multiplying by 2^112 moves the exponent bias from 15 to 127, for subnormals too.
    let scaled = (Float(bitPattern: magnitude) * Float(bitPattern: 0x7780_0000)).bitPattern
    let special: UInt32 = (bits & 0x7C00) == 0x7C00 ? 0x7F80_0000 : 0
    return Float(bitPattern: scaled | special | sign)
  }

  /// The nearest binary16 number, ties to even; overflow gives infinity, NaN becomes quiet.
  ///
  /// - Parameter value: Any value.
  /// - Returns: The nearest number's bits.
  @inlinable @inline(__always)
  package static func bits(_ value: Float) -> UInt16 {
    // All cases are computed and one is selected, so that loops over values vectorise.
    let sign = UInt16(truncatingIfNeeded: value.bitPattern >> 16) & 0x8000
    let magnitude = value.bitPattern & 0x7FFF_FFFF
    let notANumber = 0x7E00 | ((magnitude >> 13) & 0x03FF)
    // Below 2^-14: in 0.5 + x the last place is 2^-24, the spacing of subnormals.
    let subnormal = (Float(bitPattern: magnitude) + 0.5).bitPattern &- 0x3F00_0000
    let odd = (magnitude >> 13) & 1
    let normal = (magnitude &- 0x3800_0000 &+ 0x0FFF &+ odd) >> 13
    let finite = magnitude < 0x3880_0000 ? subnormal : normal
    // From 65520, half way between the largest binary16 number and the next power of two.
    let number = magnitude >= 0x477F_F000 ? 0x7C00 : finite
    return sign | UInt16(truncatingIfNeeded: magnitude > 0x7F80_0000 ? notANumber : number)
  }
}

/// bfloat16 numbers as bits: the upper half of a binary32 number.
package enum BFloat16 {
  /// The value of a bfloat16 number; exact.
  ///
  /// - Parameter bits: The number.
  /// - Returns: The value.
  @inlinable @inline(__always)
  package static func float(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

  /// The nearest bfloat16 number, ties to even; NaN becomes quiet.
  ///
  /// - Parameter value: Any value.
  /// - Returns: The nearest number's bits.
  @inlinable @inline(__always)
  package static func bits(_ value: Float) -> UInt16 {
    let pattern = value.bitPattern
    if pattern & 0x7FFF_FFFF > 0x7F80_0000 {
      return UInt16(truncatingIfNeeded: pattern >> 16) | 0x0040
    }
    return UInt16(truncatingIfNeeded: (pattern &+ 0x7FFF &+ ((pattern >> 16) & 1)) >> 16)
  }
}
