import Tensors

/// Eight-bit numbers with four bits of exponent (bias 7) and three of fraction; no infinities.
///
/// `0x7F` and `0xFF` are NaN, so the largest number is 448. Source: "FP8 Formats for Deep Learning"
/// (arXiv 2209.05433); torch calls the type `float8_e4m3fn`.
enum F8_E4M3: BlockFormat {
  static var type: TensorType { .f8e4m3 }

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    for place in 0..<count {
      let byte = unsafe UInt32(blocks.byte(at: place))
      // Multiplying by 2^120 moves the exponent bias from 7 to 127, for subnormals too.
      let scaled = Float(bitPattern: (byte & 0x7F) << 20) * Float(bitPattern: 0x7B80_0000)
      let special: UInt32 = byte & 0x7F == 0x7F ? 0x7FC0_0000 : 0
      unsafe values[place] = Float(
        bitPattern: scaled.bitPattern | special | (byte & 0x80) << 24)
    }
  }
}
