import WeightmillTensors

/// 32 values in 34 bytes: a binary16 scale `d`, then 32 signed bytes `q`; `y = q * d`.
///
/// ```text
/// 34 bytes, j < 32
///      15--------------------------------------------------------------+
/// 0    |                               d                               |  binary16
///      7---------------------------------------------------------------+
/// 2+j  |                              q[j]                             |  i8
///      +---------------------------------------------------------------+
/// ```
enum Q8_0: BlockFormat {
  static var type: TensorType { .q8_0 }

  private static let bytes = 34

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    for block in 0..<count {
      let source = unsafe blocks + block &* bytes
      let target = unsafe values + block &* 32
      let scale = unsafe source.binary16(at: 0)
      for index in 0..<32 {
        let quant = unsafe source.load(fromByteOffset: 2 &+ index, as: Int8.self)
        unsafe target[index] = Float(quant) * scale
      }
    }
  }
}
