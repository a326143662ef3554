import Tensors

/// Binary32 numbers: their bits are copied.
enum F32: BlockFormat {
  static var type: TensorType { .f32 }

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    for place in 0..<count {
      unsafe values[place] = Float(bitPattern: blocks.word32(at: place &* 4))
    }
  }

  static func encode(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, blocks count: Int
  ) {
    for place in 0..<count {
      let bits = unsafe values[place].bitPattern.littleEndian
      unsafe blocks.storeBytes(of: bits, toByteOffset: place &* 4, as: UInt32.self)
    }
  }
}
