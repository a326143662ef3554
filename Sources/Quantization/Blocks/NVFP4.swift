import WeightmillTensors

/// 64 values in 36 bytes: four scales of eight bits, then 64 four-bit floating-point numbers (E2M1).
///
/// Sub-block *s* of 16 values has scale *s*; `y = F[index] * (scale / 2)`, where `F` holds twice
/// the numbers. A model's tensors have a further scale each in a tensor of its own; it is not
/// applied here.
///
/// ```text
/// 36 bytes, s < 4, l < 8
///         7---------------------------------------------------------------+
/// s       |                            scale[s]                           |
///         7-------------------------------3-------------------------------+
/// 4+8s+l  |         index[16s+l+8]        |          index[16s+l]         |
///         +---------------------------------------------------------------+
/// ```
enum NVFP4: BlockFormat {
  static var type: TensorType { .nvfp4 }

  private static let bytes = 36

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    unsafe FourBitLevels.doubledE2M1.withUnsafeBufferPointer { levels in
      for block in 0..<count {
        let source = unsafe blocks + block &* bytes
        let target = unsafe values + block &* 64
        for sub in 0..<4 {
          let scale = unsafe halfScale(source.byte(at: sub))
          let quants = unsafe source + (4 &+ 8 &* sub)
          let part = unsafe target + 16 &* sub
          for lane in 0..<8 {
            let pair = unsafe quants.byte(at: lane)
            unsafe part[lane] = levels[Int(pair & 15)] * scale
            unsafe part[lane &+ 8] = levels[Int(pair >> 4)] * scale
          }
        }
      }
    }
  }

  /// Half of an unsigned number with four bits of exponent (bias 7) and three of fraction.
  ///
  /// The highest bit is not looked at, except that `0x7F` is 0 in ggml, but `0xFF` is 240.
  @inline(__always)
  private static func halfScale(_ byte: UInt8) -> Float {
    guard byte != 0x7F else { return 0 }
    // Multiplying by 2^119 moves the exponent bias from 7 to 127, for subnormals too, and halves.
    return Float(bitPattern: UInt32(byte & 0x7F) << 20) * Float(bitPattern: 0x7B00_0000)
  }
}
