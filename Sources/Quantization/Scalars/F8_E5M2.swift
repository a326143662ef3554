import Tensors

/// Eight-bit numbers with five bits of exponent and two of fraction.
enum F8_E5M2: BlockFormat {
  static var type: TensorType { .f8e5m2 }

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    for place in 0..<count { unsafe values[place] = Float8E5M2.float(blocks.byte(at: place)) }
  }
}
