import CWeightmillKernels
import WeightmillTensors

/// 256 values in 110 bytes: 256 three-bit numbers `q`, sixteen six-bit scales, a binary16 scale `d`.
///
/// Sub-block *k* of 16 values has scale *k*; `y = (d * (scale - 32)) * (q - 4)`.
///
/// ```text
/// 110 bytes, i < 2, l < 32, b < 8, s < 4
///           7-------6-------5-------4-------3-------2-------1-------0-------+
/// l         | l+224 | l+192 | l+160 | l+128 |  l+96 |  l+64 |  l+32 |   l   |  q[…].2
///           7---------------5---------------3---------------1---------------+
/// 32+32i+l  |   128i+l+96   |   128i+l+64   |   128i+l+32   |     128i+l    |  q[…].1-0
///           7-------------------------------3-------------------------------+
/// 96+b      |         scale[b+8].3-0        |          scale[b].3-0         |
///           7---------------5---------------3---------------1---------------+
/// 104+s     |scale[s+12].5-4| scale[s+8].5-4| scale[s+4].5-4|  scale[s].5-4 |
///           15--------------------------------------------------------------+
/// 108       |                               d                               |  binary16
///           +---------------------------------------------------------------+
/// ```
enum Q3_K: SearchedFormat {
  static var type: TensorType { .q3_K }
  static var search: Int { WEIGHTMILL_Q3_K }
  static var valuesPerPart: Int { 16 }

  private static let bytes = 110
  private static let quants = 32
  private static let scales = 96
  private static let scale = 108

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    for block in 0..<count {
      let source = unsafe blocks + block &* bytes
      let target = unsafe values + block &* 256
      let d = unsafe source.binary16(at: scale)
      for sub in 0..<16 {
        let step = unsafe d * Float(subScale(sub, source + scales))
        let (first, shift) = TwoBitPlanes.position(ofSubBlock: sub)
        let low = unsafe source + (quants &+ first)
        let high = unsafe source + 16 &* (sub & 1)
        let bit = Int32(truncatingIfNeeded: sub &>> 1)
        for lane in 0..<16 {
          let lowBits = unsafe Int32(low.byte(at: lane)) &>> shift & 3
          let highBit = unsafe Int32(high.byte(at: lane)) &>> bit & 1
          unsafe target[16 &* sub &+ lane] = step * Float((lowBits | highBit &<< 2) &- 4)
        }
      }
    }
  }

  /// The scale of a sub-block, from -32 to 31.
  ///
  /// Bytes 0 to 7 hold the low four bits of scale *b* and *b* + 8, bytes 8 to 11 the high two bits
  /// of scales *b*, *b* + 4, *b* + 8 and *b* + 12.
  @inline(__always)
  private static func subScale(_ sub: Int, _ scales: UnsafeRawPointer) -> Int32 {
    let low = unsafe scales.byte(at: sub & 7) >> (sub < 8 ? 0 : 4) & 15
    let high =
      unsafe scales.byte(at: 8 &+ sub & 3) >> UInt8(truncatingIfNeeded: 2 &* (sub >> 2)) & 3
    return Int32(low | high << 4) &- 32
  }

  static func pack(_ found: FoundBlock, _ block: UnsafeMutableRawPointer) {
    for lane in 0..<32 {
      var bits: UInt8 = 0
      for bit in 0..<8 {
        let high = unsafe found.numbers.byte(at: 32 &* bit &+ lane) >> 2
        bits |= high << UInt8(truncatingIfNeeded: bit)
      }
      unsafe block.put(bits, at: lane)
    }
    unsafe TwoBitPlanes.pack(found.numbers, block + quants)
    for sub in 0..<8 {
      let (low, high) = unsafe (sixBits(found.scale(sub)), sixBits(found.scale(sub &+ 8)))
      unsafe block.put(low & 15 | high << 4, at: scales &+ sub)
    }
    for sub in 0..<4 {
      var bits: UInt8 = 0
      for group in 0..<4 {
        let high = unsafe sixBits(found.scale(4 &* group &+ sub)) >> 4
        bits |= high << UInt8(truncatingIfNeeded: 2 &* group)
      }
      unsafe block.put(bits, at: scales &+ 8 &+ sub)
    }
    unsafe block.put(found.d, at: scale)
  }

  /// A scale as it is stored: from 0 to 63.
  private static func sixBits(_ scale: Int8) -> UInt8 { UInt8(truncatingIfNeeded: scale &+ 32) }
}
