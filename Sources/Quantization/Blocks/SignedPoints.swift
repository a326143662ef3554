/// What the IQ2 and IQ3 types share: magnitudes of a codebook with a scale and signs.
enum SignedPoints {
  /// Decodes eight values from a point of eight magnitudes.
  ///
  /// - Parameters:
  ///   - point: The magnitudes.
  ///   - step: What they are multiplied by.
  ///   - signs: A bit for each value, lowest first; set for a negative one.
  ///   - values: Where to write eight values.
  @inline(__always)
  static func decode(
    _ point: UnsafePointer<Int8>, _ step: Float, _ signs: UInt8,
    _ values: UnsafeMutablePointer<Float>
  ) {
    unsafe decode(point, point + 4, step, signs, values)
  }

  /// Decodes eight values from two points of four magnitudes.
  ///
  /// - Parameters:
  ///   - first: The first four magnitudes.
  ///   - second: The other four.
  ///   - step: What they are multiplied by.
  ///   - signs: A bit for each value, lowest first; set for a negative one.
  ///   - values: Where to write eight values.
  @inline(__always)
  static func decode(
    _ first: UnsafePointer<Int8>, _ second: UnsafePointer<Int8>, _ step: Float, _ signs: UInt8,
    _ values: UnsafeMutablePointer<Float>
  ) {
    for lane in 0..<4 {
      unsafe values[lane] = signed(step * Float(first[lane]), signs, lane)
      unsafe values[lane &+ 4] = signed(step * Float(second[lane]), signs, lane &+ 4)
    }
  }

  @inline(__always)
  private static func signed(_ value: Float, _ signs: UInt8, _ lane: Int) -> Float {
    let sign: UInt32 = signs & 1 << UInt8(truncatingIfNeeded: lane) != 0 ? 0x8000_0000 : 0
    return Float(bitPattern: value.bitPattern ^ sign)
  }
}

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
