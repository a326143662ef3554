import CWeightmillKernels
import WeightmillTensors

/// 32 values in 18 bytes: a binary16 scale `d`, then 32 four-bit indices into sixteen levels `K`.
///
/// `y = d * K[index]`.
///
/// ```text
/// 18 bytes, j < 16
///      15--------------------------------------------------------------+
/// 0    |                               d                               |  binary16
///      7-------------------------------3-------------------------------+
/// 2+j  |          index[j+16]          |            index[j]           |
///      +---------------------------------------------------------------+
/// ```
enum IQ4_NL: SearchedFormat {
  static var type: TensorType { .iq4_NL }
  static var search: Int { WEIGHTMILL_IQ4_NL }
  static var valuesPerPart: Int { 32 }

  private static let bytes = 18

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    unsafe FourBitLevels.uneven.withUnsafeBufferPointer { levels in
      for block in 0..<count {
        let source = unsafe blocks + block &* bytes
        let target = unsafe values + block &* 32
        let scale = unsafe source.binary16(at: 0)
        for index in 0..<16 {
          let pair = unsafe source.byte(at: 2 &+ index)
          unsafe target[index] = scale * levels[Int(pair & 15)]
          unsafe target[index &+ 16] = scale * levels[Int(pair >> 4)]
        }
      }
    }
  }

  static func pack(_ found: FoundBlock, _ block: UnsafeMutableRawPointer) {
    unsafe block.put(found.d, at: 0)
    unsafe block.putHalves(found.numbers, found.numbers + 16, count: 16, at: 2)
  }
}
