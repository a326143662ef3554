import Tensors

/// Eight-bit numbers with five bits of exponent and two of fraction, one NaN and one zero.
enum F8_E5M2FNUZ: BlockFormat {
  static var type: TensorType { .f8e5m2fnuz }

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    for place in 0..<count { unsafe values[place] = Float8E5M2FNUZ.float(blocks.byte(at: place)) }
  }
}
