import CWeightmillKernels
import WeightmillTensors

/// 32 values in 22 bytes: a binary16 scale `d`, then 32 five-bit numbers `q`, their highest bits first.
///
/// `y = (q - 16) * d`.
///
/// ```text
/// 22 bytes, k < 4, j < 16
///      15--------------------------------------------------------------+
/// 0    |                               d                               |  binary16
///      7-------6-------5-------4-------3-------2-------1-------0-------+
/// 2+k  |  8k+7 |  8k+6 |  8k+5 |  8k+4 |  8k+3 |  8k+2 |  8k+1 |   8k  |  q[…].4
///      7-------------------------------3-------------------------------+
/// 6+j  |          q[j+16].3-0          |            q[j].3-0           |
///      +---------------------------------------------------------------+
/// ```
enum Q5_0: SearchedFormat {
  static var type: TensorType { .q5_0 }
  static var search: Int { WEIGHTMILL_Q5_0 }
  static var valuesPerPart: Int { 32 }

  private static let bytes = 22

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    for block in 0..<count {
      let source = unsafe blocks + block &* bytes
      let target = unsafe values + block &* 32
      let scale = unsafe source.binary16(at: 0)
      let fifths = unsafe source.word32(at: 2)
      for index in 0..<16 {
        let pair = unsafe Int32(source.byte(at: 6 &+ index))
        let (low, high) = FifthBits.pair(fifths, at: index)
        unsafe target[index] = Float((pair & 15 | low) &- 16) * scale
        unsafe target[index &+ 16] = Float((pair &>> 4 | high) &- 16) * scale
      }
    }
  }

  static func pack(_ found: FoundBlock, _ block: UnsafeMutableRawPointer) {
    unsafe block.put(found.d, at: 0)
    unsafe block.put(FifthBits.packed(found.numbers), at: 2)
    unsafe block.putHalves(found.numbers, found.numbers + 16, count: 16, at: 6)
  }
}
