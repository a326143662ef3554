/// Fields of a block, little endian, at any address.
extension UnsafeMutableRawBufferPointer {
  /// Writes a u16.
  func store(_ value: UInt16, at offset: Int) {
    unsafe storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt16.self)
  }

  /// Writes a u32.
  func store(_ value: UInt32, at offset: Int) {
    unsafe storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt32.self)
  }
}
