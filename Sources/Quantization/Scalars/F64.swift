import Tensors

/// Binary64 numbers, rounded to the nearest binary32 number, ties to even.
enum F64: BlockFormat {
  static var type: TensorType { .f64 }

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    for place in 0..<count {
      unsafe values[place] = Float(Double(bitPattern: blocks.word64(at: place &* 8)))
    }
  }
}
