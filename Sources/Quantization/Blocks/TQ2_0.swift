import CWeightmillKernels
import WeightmillTensors

/// 256 values in 66 bytes: 256 two-bit numbers `q`, then a binary16 scale `d`; `y = (q - 1) * d`.
///
/// ```text
/// 66 bytes, i < 2, l < 32
///        7---------------5---------------3---------------1---------------+
/// 32i+l  |  q[128i+l+96] |  q[128i+l+64] |  q[128i+l+32] |   q[128i+l]   |
///        15--------------------------------------------------------------+
/// 64     |                               d                               |  binary16
///        +---------------------------------------------------------------+
/// ```
enum TQ2_0: SearchedFormat {
  static var type: TensorType { .tq2_0 }
  static var search: Int { WEIGHTMILL_TQ2_0 }
  static var valuesPerPart: Int { 256 }

  private static let bytes = 66
  private static let scale = 64

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    for block in 0..<count {
      let source = unsafe blocks + block &* bytes
      let target = unsafe values + block &* 256
      let d = unsafe source.binary16(at: scale)
      for sub in 0..<16 {
        let (first, shift) = TwoBitPlanes.position(ofSubBlock: sub)
        let lanes = unsafe source + first
        for lane in 0..<16 {
          let quant = unsafe Int32(lanes.byte(at: lane)) &>> shift & 3
          unsafe target[16 &* sub &+ lane] = Float(quant &- 1) * d
        }
      }
    }
  }

  static func pack(_ found: FoundBlock, _ block: UnsafeMutableRawPointer) {
    unsafe TwoBitPlanes.pack(found.numbers, block)
    unsafe block.put(found.d, at: scale)
  }
}
