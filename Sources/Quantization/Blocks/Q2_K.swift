import CWeightmillKernels
import WeightmillTensors

/// 256 values in 84 bytes: sixteen bytes of scales, 256 two-bit numbers `q`, binary16 `d` and `dmin`.
///
/// Sub-block *k* of 16 values has a four-bit scale and a four-bit minimum;
/// `y = (d * scale) * q - dmin * min`.
///
/// ```text
/// 84 bytes, k < 16, i < 2, l < 32
///           7-------------------------------3-------------------------------+
/// k         |             min[k]            |            scale[k]           |
///           7---------------5---------------3---------------1---------------+
/// 16+32i+l  |  q[128i+l+96] |  q[128i+l+64] |  q[128i+l+32] |   q[128i+l]   |
///           15--------------------------------------------------------------+
/// 80        |                               d                               |  binary16
///           15--------------------------------------------------------------+
/// 82        |                              dmin                             |  binary16
///           +---------------------------------------------------------------+
/// ```
enum Q2_K: SearchedFormat {
  static var type: TensorType { .q2_K }
  static var search: Int { WEIGHTMILL_Q2_K }
  static var valuesPerPart: Int { 16 }

  private static let bytes = 84
  private static let quants = 16
  private static let scale = 80
  private static let minimum = 82

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    for block in 0..<count {
      let source = unsafe blocks + block &* bytes
      let target = unsafe values + block &* 256
      let d = unsafe source.binary16(at: scale)
      let dmin = unsafe source.binary16(at: minimum)
      for sub in 0..<16 {
        let pair = unsafe source.byte(at: sub)
        let step = d * Float(pair & 15)
        let offset = dmin * Float(pair >> 4)
        let (first, shift) = TwoBitPlanes.position(ofSubBlock: sub)
        let lanes = unsafe source + (quants &+ first)
        for lane in 0..<16 {
          let quant = unsafe Int32(lanes.byte(at: lane)) &>> shift & 3
          unsafe target[16 &* sub &+ lane] = step * Float(quant) - offset
        }
      }
    }
  }

  static func pack(_ found: FoundBlock, _ block: UnsafeMutableRawPointer) {
    for sub in 0..<16 {
      let low = unsafe UInt8(bitPattern: found.scale(sub))
      unsafe block.put(low | found.minimum(sub) << 4, at: sub)
    }
    unsafe TwoBitPlanes.pack(found.numbers, block + quants)
    unsafe block.put(found.d, at: scale)
    unsafe block.put(found.dmin, at: minimum)
  }
}
