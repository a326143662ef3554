import CWeightmillKernels
import WeightmillTensors

/// 256 values in 144 bytes: binary16 `d` and `dmin`, 12 bytes of scales, 256 four-bit numbers `q`.
///
/// Sub-block *k* of 32 values has a six-bit scale and a six-bit minimum;
/// `y = (d * scale) * q - dmin * min`.
///
/// ```text
/// 144 bytes, s < 4, i < 4, l < 32
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
///           7-------------------------------3-------------------------------+
/// 16+32i+l  |          q[64i+l+32]          |            q[64i+l]           |
///           +---------------------------------------------------------------+
/// ```
enum Q4_K: SearchedFormat {
  static var type: TensorType { .q4_K }
  static var search: Int { WEIGHTMILL_Q4_K }
  static var valuesPerPart: Int { 32 }

  private static let bytes = 144
  private static let scales = 4
  private static let quants = 16

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
        for lane in 0..<32 {
          let quant = unsafe Int32(lanes.byte(at: lane)) &>> shift & 15
          unsafe target[32 &* sub &+ lane] = step * Float(quant) - offset
        }
      }
    }
  }

  static func pack(_ found: FoundBlock, _ block: UnsafeMutableRawPointer) {
    unsafe block.put(found.d, at: 0)
    unsafe block.put(found.dmin, at: 2)
    unsafe SixBitPairs.pack(found, block + scales)
    for half in 0..<4 {
      let numbers = unsafe found.numbers + 64 &* half
      unsafe block.putHalves(numbers, numbers + 32, count: 32, at: quants &+ 32 &* half)
    }
  }
}
