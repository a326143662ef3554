import CWeightmillKernels
import WeightmillTensors

/// 32 values in 20 bytes: a binary16 scale `d`, a binary16 offset `m`, 32 four-bit numbers `q`.
///
/// `y = q * d + m`.
///
/// ```text
/// 20 bytes, j < 16
///      15--------------------------------------------------------------+
/// 0    |                               d                               |  binary16
///      15--------------------------------------------------------------+
/// 2    |                               m                               |  binary16
///      7-------------------------------3-------------------------------+
/// 4+j  |            q[j+16]            |              q[j]             |
///      +---------------------------------------------------------------+
/// ```
enum Q4_1: SearchedFormat {
  static var type: TensorType { .q4_1 }
  static var search: Int { WEIGHTMILL_Q4_1 }
  static var valuesPerPart: Int { 32 }

  private static let bytes = 20

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    for block in 0..<count {
      let source = unsafe blocks + block &* bytes
      let target = unsafe values + block &* 32
      let scale = unsafe source.binary16(at: 0)
      let offset = unsafe source.binary16(at: 2)
      for index in 0..<16 {
        let pair = unsafe Int32(source.byte(at: 4 &+ index))
        unsafe target[index] = Float(pair & 15) * scale + offset
        unsafe target[index &+ 16] = Float(pair &>> 4) * scale + offset
      }
    }
  }

  static func pack(_ found: FoundBlock, _ block: UnsafeMutableRawPointer) {
    unsafe block.put(found.d, at: 0)
    // The offset is added, a search's minimum subtracted.
    let offset = unsafe found.dmin
    unsafe block.put(offset == 0 ? 0 : offset ^ 0x8000, at: 2)
    unsafe block.putHalves(found.numbers, found.numbers + 16, count: 16, at: 4)
  }
}
