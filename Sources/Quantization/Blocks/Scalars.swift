import CKernels
import Tensors

/// Binary16 numbers.
enum F16: BlockFormat {
  static var type: TensorType { .f16 }

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    unsafe weightmill_widen_halves(
      weightmill_level(), blocks.assumingMemoryBound(to: UInt16.self), count, values)
  }

  static func encode(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, blocks count: Int
  ) {
    for place in 0..<count {
      let bits = unsafe Binary16.bits(values[place])
      unsafe blocks.storeBytes(of: bits.littleEndian, toByteOffset: place &* 2, as: UInt16.self)
    }
  }
}
