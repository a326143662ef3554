import CWeightmillKernels
import WeightmillTensors

/// 256 values in 136 bytes: a binary16 scale `d`, eight six-bit scales, 256 indices into IQ4_NL's `K`.
///
/// Sub-block *k* of 32 values has scale *k*; `y = (d * (scale - 32)) * K[index]`.
///
/// ```text
/// 136 bytes, k < 4, s < 8, l < 16
///          15--------------------------------------------------------------+
/// 0        |                               d                               |  binary16
///          15------13------11------9-------7-------5-------3-------1-------+
/// 2        |   7   |   6   |   5   |   4   |   3   |   2   |   1   |   0   |  scale[…].5-4
///          7-------------------------------3-------------------------------+
/// 4+k      |        scale[2k+1].3-0        |         scale[2k].3-0         |
///          7-------------------------------3-------------------------------+
/// 8+16s+l  |        index[32s+l+16]        |          index[32s+l]         |
///          +---------------------------------------------------------------+
/// ```
enum IQ4_XS: SearchedFormat {
  static var type: TensorType { .iq4_XS }
  static var search: Int { WEIGHTMILL_IQ4_XS }
  static var valuesPerPart: Int { 32 }

  private static let bytes = 136

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    unsafe FourBitLevels.uneven.withUnsafeBufferPointer { levels in
      for block in 0..<count {
        let source = unsafe blocks + block &* bytes
        let target = unsafe values + block &* 256
        let d = unsafe source.binary16(at: 0)
        let highBits = unsafe source.word16(at: 2)
        for sub in 0..<8 {
          let lows = unsafe source.byte(at: 4 &+ sub / 2)
          let low = Int32(sub % 2 == 0 ? lows & 15 : lows >> 4)
          let high = Int32(highBits &>> UInt16(truncatingIfNeeded: 2 &* sub) & 3)
          let step = d * Float((low | high << 4) &- 32)
          let quants = unsafe source + (8 &+ 16 &* sub)
          let part = unsafe target + 32 &* sub
          for lane in 0..<16 {
            let pair = unsafe quants.byte(at: lane)
            unsafe part[lane] = step * levels[Int(pair & 15)]
            unsafe part[lane &+ 16] = step * levels[Int(pair >> 4)]
          }
        }
      }
    }
  }

  static func pack(_ found: FoundBlock, _ block: UnsafeMutableRawPointer) {
    var highBits: UInt16 = 0
    for pair in 0..<4 {
      let low = unsafe UInt8(truncatingIfNeeded: found.scale(2 &* pair) &+ 32)
      let high = unsafe UInt8(truncatingIfNeeded: found.scale(2 &* pair &+ 1) &+ 32)
      unsafe block.put(low & 15 | high << 4, at: 4 &+ pair)
      highBits |= (UInt16(low >> 4) | UInt16(high >> 4) << 2) << UInt16(4 &* pair)
    }
    unsafe block.put(found.d, at: 0)
    unsafe block.put(highBits, at: 2)
    for sub in 0..<8 {
      let numbers = unsafe found.numbers + 32 &* sub
      unsafe block.putHalves(numbers, numbers + 16, count: 16, at: 8 &+ 16 &* sub)
    }
  }
}
