/// Seven-bit indices of sign patterns, in IQ2_XXS, IQ2_XS and IQ3_XXS.
enum SignPatterns {
  /// The signs of eight values: an even number of bits is set.
  ///
  /// Seven bits are stored; the eighth is their parity.
  ///
  /// - Parameter index: The seven bits; higher bits are not looked at.
  /// - Returns: A bit for each value, lowest first; set for a negative one.
  @inline(__always)
  static func signs(_ index: UInt32) -> UInt8 {
    let bits = UInt8(truncatingIfNeeded: index) & 0x7F
    let halves = bits ^ bits >> 4
    let pairs = halves ^ halves >> 2
    return bits | (pairs ^ pairs >> 1) << 7
  }
}
