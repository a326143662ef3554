import CWeightmillKernels
import WeightmillTensors

/// 256 values in 176 bytes: binary16 `d` and `dmin`, 12 bytes of scales, 256 five-bit numbers `q`.
///
/// Sub-block *k* of 32 values has a six-bit scale and a six-bit minimum;
/// `y = (d * scale) * q - dmin * min`. It is Q4_K with 32 bytes of fifth bits.
///
/// ```text
/// 176 bytes, s < 4, i < 4, l < 32
///           15--------------------------------------------------------------+
/// 0         |                               d                               |  binary16
///           15--------------------------------------------------------------+
/// 2         |                              dmin                             |  binary16
///           7---------------5-----------------------------------------------+
/// 4+s       | scale[s+4].5-4|                    scale[s]                   |
///           7---------------5-----------------------------------------------+
/// 8+s       |  min[s+4].5-4 |                     min[s]                    |
///           7-------------------------------3-------------------------------+
/// 12+s      |          min[s+4].3-0         |         scale[s+4].3-0        |
///           7-------6-------5-------4-------3-------2-------1-------0-------+
/// 16+l      | l+224 | l+192 | l+160 | l+128 |  l+96 |  l+64 |  l+32 |   l   |  q[…].4
///           7-------------------------------3-------------------------------+
/// 48+32i+l  |        q[64i+l+32].3-0        |          q[64i+l].3-0         |
///           +---------------------------------------------------------------+
/// ```
enum Q5_K: SearchedFormat {
  static var type: TensorType { .q5_K }
  static var search: Int { WEIGHTMILL_Q5_K }
  static var valuesPerPart: Int { 32 }

  private static let bytes = 176
  private static let scales = 4
  private static let fifths = 16
  private static let quants = 48

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    for block in 0..<count {
      let source = unsafe blocks + block &* bytes
      let target = unsafe values + block &* 256
      let d = unsafe source.binary16(at: 0)
      let dmin = unsafe source.binary16(at: 2)
      for sub in 0..<8 {
        let (scale, minimum) = unsafe SixBitPairs.pair(sub, source + scales)
        let step = d * scale
        let offset = dmin * minimum
        let lanes = unsafe source + (quants &+ 32 &* (sub &>> 1))
        let shift = Int32(truncatingIfNeeded: 4 &* (sub & 1))
        let bit = Int32(truncatingIfNeeded: sub)
        for lane in 0..<32 {
          let low = unsafe Int32(lanes.byte(at: lane)) &>> shift & 15
          let high = unsafe Int32(source.byte(at: fifths &+ lane)) &>> bit & 1
          unsafe target[32 &* sub &+ lane] = step * Float(low | high &<< 4) - offset
        }
      }
    }
  }

  static func pack(_ found: FoundBlock, _ block: UnsafeMutableRawPointer) {
    unsafe block.put(found.d, at: 0)
    unsafe block.put(found.dmin, at: 2)
    unsafe SixBitPairs.pack(found, block + scales)
    for lane in 0..<32 {
      var bits: UInt8 = 0
      for bit in 0..<8 {
        let high = unsafe found.numbers.byte(at: 32 &* bit &+ lane) >> 4
        bits |= high << UInt8(truncatingIfNeeded: bit)
      }
      unsafe block.put(bits, at: fifths &+ lane)
    }
    for half in 0..<4 {
      let numbers = unsafe found.numbers + 64 &* half
      unsafe block.putHalves(numbers, numbers + 32, count: 32, at: quants &+ 32 &* half)
    }
  }
}
