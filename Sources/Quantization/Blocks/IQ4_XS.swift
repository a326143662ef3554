import Tensors

/// 256 values in 136 bytes: a binary16 scale `d`, eight six-bit scales, 256 indices into IQ4_NL's `K`.
///
/// Each sub-block of 32 values has a scale from -32 to 31, its high two bits in a u16, its low four in
/// the half bytes that follow; `y = (d * scale) * K[index]`. Within a sub-block indices lie as in Q4_0.
enum IQ4_XS: BlockFormat {
  static var type: TensorType { .iq4_XS }

  private static let bytes = 136

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    unsafe FourBitLevels.uneven.withUnsafeBufferPointer { levels in
      for block in 0..<count {
        let source = unsafe blocks + block &* bytes
        let target = unsafe values + block &* 256
        let unit = unsafe source.binary16(at: 0)
        let highBits = unsafe source.word16(at: 2)
        for sub in 0..<8 {
          let lows = unsafe source.byte(at: 4 &+ sub / 2)
          let low = Int32(sub % 2 == 0 ? lows & 15 : lows >> 4)
          let high = Int32(highBits &>> UInt16(truncatingIfNeeded: 2 &* sub) & 3)
          let step = unit * Float((low | high << 4) &- 32)
          let quants = unsafe source + (8 &+ 16 &* sub)
          let place = unsafe target + 32 &* sub
          for lane in 0..<16 {
            let pair = unsafe quants.byte(at: lane)
            unsafe place[lane] = step * levels[Int(pair & 15)]
            unsafe place[lane &+ 16] = step * levels[Int(pair >> 4)]
          }
        }
      }
    }
  }
}
