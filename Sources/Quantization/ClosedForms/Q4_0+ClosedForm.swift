import WeightmillTensors

/// `d` is the value of largest magnitude (the first of several), with its sign, over -8, so that it
/// falls on `q = 0`; `q = floor(x / d + 8.5)`, at most 15, with the unrounded `d`.
///
/// Source: ggml's reference quantizer, whose bytes these are.
extension Q4_0: ClosedForm {
  static func closedForm(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, blocks count: Int
  )
    -> Int
  {
    var infinite = 0
    for block in 0..<count {
      let source = unsafe values + block &* 32
      let target = unsafe blocks + block &* type.bytesPerBlock
      var largest: Float = 0
      var magnitude: UInt32 = 0
      for index in 0..<32 {
        let candidate = unsafe source[index].bitPattern & 0x7FFF_FFFF
        if candidate > magnitude {
          magnitude = candidate
          largest = unsafe source[index]
        }
      }
      let scale = largest / -8
      let inverse = BlockScale.inverse(scale)
      let bits = Binary16.bits(scale)
      if bits & 0x7FFF == 0x7C00 { infinite &+= 32 }
      unsafe target.storeBytes(of: bits.littleEndian, as: UInt16.self)
      for index in 0..<16 {
        let low = unsafe nibble(source[index] * inverse)
        let high = unsafe nibble(source[index &+ 16] * inverse)
        unsafe target.storeBytes(of: low | high << 4, toByteOffset: 2 &+ index, as: UInt8.self)
      }
    }
    return infinite
  }

  /// `floor(value + 8.5)` of a value from -8 to 8, at most 15.
  @inline(__always)
  private static func nibble(_ value: Float) -> UInt8 {
    min(15, UInt8(truncatingIfNeeded: Int32(value + 8.5)))
  }
}
