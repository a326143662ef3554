import WeightmillTensors

/// 32 values in 36 bytes: a binary16 scale `d`, a binary16 sum, then 32 signed bytes `q`; `y = q * d`.
///
/// The sum is `d` times the sum of all `q`: ggml makes these blocks for products, not for files. It
/// is not read.
///
/// ```text
/// 36 bytes, j < 32
///      15--------------------------------------------------------------+
/// 0    |                               d                               |  binary16
///      15--------------------------------------------------------------+
/// 2    |                              sum                              |  binary16
///      7---------------------------------------------------------------+
/// 4+j  |                              q[j]                             |  i8
///      +---------------------------------------------------------------+
/// ```
enum Q8_1: BlockFormat {
  static var type: TensorType { .q8_1 }

  private static let bytes = 36

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    for block in 0..<count {
      let source = unsafe blocks + block &* bytes
      let target = unsafe values + block &* 32
      let scale = unsafe source.binary16(at: 0)
      for index in 0..<32 {
        unsafe target[index] = Float(source.signedByte(at: 4 &+ index)) * scale
      }
    }
  }
}
