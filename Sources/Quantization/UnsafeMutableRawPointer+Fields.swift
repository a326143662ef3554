/// Fields of a block to be written, little endian, at any address.
extension UnsafeMutableRawPointer {
  /// Writes a u16, such as a binary16 scale.
  @inline(__always)
  func put(_ bits: UInt16, at offset: Int) {
    unsafe storeBytes(of: bits.littleEndian, toByteOffset: offset, as: UInt16.self)
  }

  /// Writes a u32.
  @inline(__always)
  func put(_ bits: UInt32, at offset: Int) {
    unsafe storeBytes(of: bits.littleEndian, toByteOffset: offset, as: UInt32.self)
  }

  /// Writes a byte.
  @inline(__always)
  func put(_ byte: UInt8, at offset: Int) {
    unsafe storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
  }

  /// Writes `count` bytes, each with one number in its low half and another in its high half.
  @inline(__always)
  func putHalves(_ low: UnsafeRawPointer, _ high: UnsafeRawPointer, count: Int, at offset: Int) {
    for place in 0..<count {
      unsafe put((low.byte(at: place) & 15) | high.byte(at: place) << 4, at: offset &+ place)
    }
  }
}
