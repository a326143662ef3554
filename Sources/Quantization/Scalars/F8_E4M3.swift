import Tensors

/// Eight-bit numbers with four bits of exponent and three of fraction.
enum F8_E4M3: BlockFormat {
  static var type: TensorType { .f8e4m3 }

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    for place in 0..<count { unsafe values[place] = Float8E4M3.float(blocks.byte(at: place)) }
  }
}
