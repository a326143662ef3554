import CWeightmillKernels
import WeightmillTensors

/// 64 values in 18 bytes: a binary16 scale `d`, then 64 two-bit numbers `q`; `y = (q - 1) * d`.
///
/// ```text
/// 18 bytes, k < 16
///      15--------------------------------------------------------------+
/// 0    |                               d                               |  binary16
///      7---------------5---------------3---------------1---------------+
/// 2+k  |    q[4k+3]    |    q[4k+2]    |    q[4k+1]    |     q[4k]     |
///      +---------------------------------------------------------------+
/// ```
enum Q2_0: SearchedFormat {
  static var type: TensorType { .q2_0 }
  static var search: Int { WEIGHTMILL_Q2_0 }
  static var valuesPerPart: Int { 64 }

  private static let bytes = 18

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    for block in 0..<count {
      let source = unsafe blocks + block &* bytes
      let target = unsafe values + block &* 64
      let scale = unsafe source.binary16(at: 0)
      for index in 0..<16 {
        let quants = unsafe Int32(source.byte(at: 2 &+ index))
        for lane in 0..<4 {
          unsafe target[4 &* index &+ lane] = Float((quants &>> Int32(2 &* lane) & 3) &- 1) * scale
        }
      }
    }
  }

  static func pack(_ found: FoundBlock, _ block: UnsafeMutableRawPointer) {
    unsafe block.put(found.d, at: 0)
    for index in 0..<16 {
      let four = unsafe found.numbers + 4 &* index
      let low = unsafe four.byte(at: 0) | four.byte(at: 1) << 2
      unsafe block.put(low | four.byte(at: 2) << 4 | four.byte(at: 3) << 6, at: 2 &+ index)
    }
  }
}
