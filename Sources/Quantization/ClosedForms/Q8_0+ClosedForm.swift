import WeightmillTensors

/// `d = max|x| / 127`, `q = round(x / d)` with halves away from zero, where the division is a product
/// with the float32 reciprocal of the unrounded `d`.
///
/// Source: ggml's reference quantizer, whose bytes these are (`formats/vectors/encode_vectors.json`).
extension Q8_0: ClosedForm {
  static func closedForm(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, blocks count: Int
  )
    -> Int
  {
    var infinite = 0
    for block in 0..<count {
      let source = unsafe values + block &* 32
      let target = unsafe blocks + block &* type.bytesPerBlock
      // Magnitudes compare like their bit patterns, and integers compare several at a time.
      var magnitude: UInt32 = 0
      for index in 0..<32 {
        magnitude = unsafe max(magnitude, source[index].bitPattern & 0x7FFF_FFFF)
      }
      let scale = Float(bitPattern: magnitude) / 127
      let inverse = BlockScale.inverse(scale)
      let bits = Binary16.bits(scale)
      if bits == 0x7C00 { infinite &+= 32 }
      unsafe target.storeBytes(of: bits.littleEndian, as: UInt16.self)
      for index in 0..<32 {
        let quant = unsafe roundedAwayFromZero(source[index] * inverse)
        unsafe target.storeBytes(
          of: Int8(truncatingIfNeeded: quant), toByteOffset: 2 &+ index, as: Int8.self)
      }
    }
    return infinite
  }

  /// The nearest integer, halves away from zero, of a value below 2^22; several at a time.
  @inline(__always)
  private static func roundedAwayFromZero(_ value: Float) -> Int32 {
    // Adding 1.5 * 2^23 leaves the nearest integer, halves to even, in the low bits.
    let shifted = value + 12_582_912
    let even = shifted - 12_582_912
    let rest = value - even
    var integer = Int32(truncatingIfNeeded: shifted.bitPattern) &- 0x4B40_0000
    if rest == 0.5, value > 0 { integer &+= 1 }
    if rest == -0.5, value < 0 { integer &-= 1 }
    return integer
  }
}
