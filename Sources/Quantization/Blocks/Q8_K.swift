import WeightmillTensors

/// 256 values in 292 bytes: a binary32 scale `d`, 256 signed bytes `q`, sixteen sums of 16 `q` each.
///
/// `y = d * q`. ggml makes these blocks for products, not for files. The sums are not read.
///
/// ```text
/// 292 bytes, j < 256, k < 16
///         31--------------------------------------------------------------+
/// 0       |                               d                               |  binary32
///         7---------------------------------------------------------------+
/// 4+j     |                              q[j]                             |  i8
///         15--------------------------------------------------------------+
/// 260+2k  |                             sum[k]                            |  i16
///         +---------------------------------------------------------------+
/// ```
enum Q8_K: BlockFormat {
  static var type: TensorType { .q8_K }

  private static let bytes = 292

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    for block in 0..<count {
      let source = unsafe blocks + block &* bytes
      let target = unsafe values + block &* 256
      let scale = unsafe Float(bitPattern: source.word32(at: 0))
      for index in 0..<256 {
        unsafe target[index] = scale * Float(source.signedByte(at: 4 &+ index))
      }
    }
  }
}
