import CWeightmillKernels
import WeightmillTensors

/// 32 values in 24 bytes: a binary16 scale `d`, a binary16 offset `m`, 32 five-bit numbers `q`.
///
/// `y = q * d + m`.
///
/// ```text
/// 24 bytes, k < 4, j < 16
///      15--------------------------------------------------------------+
/// 0    |                               d                               |  binary16
///      15--------------------------------------------------------------+
/// 2    |                               m                               |  binary16
///      7-------6-------5-------4-------3-------2-------1-------0-------+
/// 4+k  |  8k+7 |  8k+6 |  8k+5 |  8k+4 |  8k+3 |  8k+2 |  8k+1 |   8k  |  q[…].4
///      7-------------------------------3-------------------------------+
/// 8+j  |          q[j+16].3-0          |            q[j].3-0           |
///      +---------------------------------------------------------------+
/// ```
enum Q5_1: SearchedFormat {
  static var type: TensorType { .q5_1 }
  static var search: Int { WEIGHTMILL_Q5_1 }
  static var valuesPerPart: Int { 32 }

  private static let bytes = 24

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    for block in 0..<count {
      let source = unsafe blocks + block &* bytes
      let target = unsafe values + block &* 32
      let scale = unsafe source.binary16(at: 0)
      let offset = unsafe source.binary16(at: 2)
      let fifths = unsafe source.word32(at: 4)
      for index in 0..<16 {
        let pair = unsafe Int32(source.byte(at: 8 &+ index))
        let (low, high) = FifthBits.pair(fifths, at: index)
        unsafe target[index] = Float(pair & 15 | low) * scale + offset
        unsafe target[index &+ 16] = Float(pair &>> 4 | high) * scale + offset
      }
    }
  }

  static func pack(_ found: FoundBlock, _ block: UnsafeMutableRawPointer) {
    unsafe block.put(found.d, at: 0)
    // The offset is added, a search's minimum subtracted.
    let offset = unsafe found.dmin
    unsafe block.put(offset == 0 ? 0 : offset ^ 0x8000, at: 2)
    unsafe block.put(FifthBits.packed(found.numbers), at: 4)
    unsafe block.putHalves(found.numbers, found.numbers + 16, count: 16, at: 8)
  }
}
