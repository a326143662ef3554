import WeightmillTensors

/// 32 values in 17 bytes: an exponent `e`, then 32 four-bit floating-point numbers (E2M1).
///
/// `y = F[index] * 2^(e - 128)`, where `F` holds twice the numbers. Source: OCP Microscaling
/// Formats 1.0; unlike there, ggml's exponent 255 is a number as any other.
///
/// ```text
/// 17 bytes, j < 16
///      7---------------------------------------------------------------+
/// 0    |                               e                               |
///      7-------------------------------3-------------------------------+
/// 1+j  |          index[j+16]          |            index[j]           |
///      +---------------------------------------------------------------+
/// ```
enum MXFP4: BlockFormat {
  static var type: TensorType { .mxfp4 }

  private static let bytes = 17

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    unsafe FourBitLevels.doubledE2M1.withUnsafeBufferPointer { levels in
      for block in 0..<count {
        let source = unsafe blocks + block &* bytes
        let target = unsafe values + block &* 32
        let scale = unsafe scale(source.byte(at: 0))
        for index in 0..<16 {
          let pair = unsafe source.byte(at: 1 &+ index)
          unsafe target[index] = levels[Int(pair & 15)] * scale
          unsafe target[index &+ 16] = levels[Int(pair >> 4)] * scale
        }
      }
    }
  }

  /// `2^(exponent - 128)`; the two smallest are subnormal.
  @inline(__always)
  static func scale(_ exponent: UInt8) -> Float {
    let exponent = UInt32(exponent)
    return Float(bitPattern: exponent < 2 ? 0x0020_0000 << exponent : (exponent &- 1) << 23)
  }
}
