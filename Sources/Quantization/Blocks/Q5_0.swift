import CWeightmillKernels
import WeightmillTensors

/// 32 values in 22 bytes: a binary16 scale `d`, a u32 of fifth bits, 32 times four bits.
///
/// Bit *j* of the u32 is the highest bit of value *j*'s number `q`; `y = (q - 16) * d`. The low bits
/// lie as in Q4_0.
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
