import WeightmillTensors

/// 128 values in 18 bytes: a binary16 scale `d`, then a bit for each value, lowest first.
///
/// `y = d` where the bit is set, `-d` where it is not.
enum Q1_0: BlockFormat {
  static var type: TensorType { .q1_0 }

  private static let bytes = 18

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    for block in 0..<count {
      let source = unsafe blocks + block &* bytes
      let target = unsafe values + block &* 128
      let scale = unsafe source.binary16(at: 0)
      for index in 0..<16 {
        let bits = unsafe source.byte(at: 2 &+ index)
        for bit in 0..<8 {
          unsafe target[8 &* index &+ bit] = bits & 1 << UInt8(bit) != 0 ? scale : -scale
        }
      }
    }
  }
}
