import WeightmillTensors

/// 128 values in 18 bytes: a binary16 scale `d`, then a bit `q` for each value.
///
/// `y = d` where `q` is 1, `-d` where it is 0.
///
/// ```text
/// 18 bytes, k < 16
///      15--------------------------------------------------------------+
/// 0    |                               d                               |  binary16
///      7-------6-------5-------4-------3-------2-------1-------0-------+
/// 2+k  |  8k+7 |  8k+6 |  8k+5 |  8k+4 |  8k+3 |  8k+2 |  8k+1 |   8k  |  q[…]
///      +---------------------------------------------------------------+
/// ```
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
