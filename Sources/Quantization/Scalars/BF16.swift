import Tensors

/// Bfloat16 numbers: the upper halves of binary32 numbers.
enum BF16: BlockFormat {
  static var type: TensorType { .bf16 }

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    for place in 0..<count {
      unsafe values[place] = BFloat16.float(blocks.word16(at: place &* 2))
    }
  }

  static func encode(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, blocks count: Int
  ) {
    for place in 0..<count {
      let bits = unsafe BFloat16.bits(values[place])
      unsafe blocks.storeBytes(of: bits.littleEndian, toByteOffset: place &* 2, as: UInt16.self)
    }
  }
}
