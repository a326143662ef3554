import Tensors

/// Eight-bit numbers with five bits of exponent and two of fraction: upper halves of binary16.
///
/// Source: "FP8 Formats for Deep Learning" (arXiv 2209.05433); torch calls the type `float8_e5m2`.
enum F8_E5M2: BlockFormat {
  static var type: TensorType { .f8e5m2 }

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    for place in 0..<count {
      unsafe values[place] = Binary16.float(UInt16(blocks.byte(at: place)) << 8)
    }
  }
}
