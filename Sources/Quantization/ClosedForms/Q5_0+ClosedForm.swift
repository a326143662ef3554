import Tensors

/// As Q4_0, with 16 in place of 8.
///
/// Source: ggml's reference quantizer, whose bytes these are.
extension Q5_0: ClosedForm {
  static func closedForm(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, blocks count: Int
  ) -> Int {
    var infinite = 0
    for block in 0..<count {
      let source = unsafe values + block &* 32
      let target = unsafe blocks + block &* type.bytesPerBlock
      var largest: Float = 0
      for place in 0..<32 {
        let value = unsafe source[place]
        if abs(value) > abs(largest) { largest = value }
      }
      let scale = largest / -16
      let inverse = BlockScale.inverse(scale)
      let bits = Binary16.bits(scale)
      if bits & 0x7FFF == 0x7C00 {
        infinite &+= 32
        continue
      }
      unsafe target.put(bits, at: 0)
      var fifths: UInt32 = 0
      for place in 0..<16 {
        let low = unsafe number(source[place] * inverse)
        let high = unsafe number(source[place &+ 16] * inverse)
        unsafe target.put(low & 15 | high << 4, at: 6 &+ place)
        fifths |= UInt32(low >> 4) << UInt32(place) | UInt32(high >> 4) << UInt32(place &+ 16)
      }
      unsafe target.put(fifths, at: 2)
    }
    return infinite
  }

  /// `floor(value + 16.5)` of a value from -16 to 16, at most 31.
  @inline(__always)
  private static func number(_ value: Float) -> UInt8 {
    min(31, UInt8(truncatingIfNeeded: Int32(value + 16.5)))
  }
}
