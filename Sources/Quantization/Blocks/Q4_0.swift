import CWeightmillKernels
import WeightmillTensors

/// 32 values in 18 bytes: a binary16 scale `d`, then 32 four-bit numbers `q`; `y = (q - 8) * d`.
///
/// ```text
/// 18 bytes, j < 16
///      15--------------------------------------------------------------+
/// 0    |                               d                               |  binary16
///      7-------------------------------3-------------------------------+
/// 2+j  |            q[j+16]            |              q[j]             |
///      +---------------------------------------------------------------+
/// ```
enum Q4_0: SearchedFormat {
  static var type: TensorType { .q4_0 }
  static var search: Int { WEIGHTMILL_Q4_0 }
  static var valuesPerPart: Int { 32 }

  private static let bytes = 18

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    for block in 0..<count {
      let source = unsafe blocks + block &* bytes
      let target = unsafe values + block &* 32
      let scale = unsafe source.binary16(at: 0)
      for index in 0..<16 {
        let pair = unsafe source.load(fromByteOffset: 2 &+ index, as: UInt8.self)
        unsafe target[index] = Float(Int32(pair & 15) &- 8) * scale
        unsafe target[index &+ 16] = Float(Int32(pair >> 4) &- 8) * scale
      }
    }
  }

  static func pack(_ found: FoundBlock, _ block: UnsafeMutableRawPointer) {
    unsafe block.put(found.d, at: 0)
    unsafe block.putHalves(found.numbers, found.numbers + 16, count: 16, at: 2)
  }
}
