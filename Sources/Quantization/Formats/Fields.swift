import WeightmillTensors

/// Fields of a block, little endian, at any address.
extension UnsafeRawPointer {
  /// The byte at an offset.
  @inline(__always)
  func byte(at offset: Int) -> UInt8 { unsafe load(fromByteOffset: offset, as: UInt8.self) }

  /// The signed byte at an offset.
  @inline(__always)
  func signedByte(at offset: Int) -> Int8 { unsafe load(fromByteOffset: offset, as: Int8.self) }

  /// The u16 at an offset.
  @inline(__always)
  func word16(at offset: Int) -> UInt16 {
    unsafe UInt16(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  /// The u32 at an offset.
  @inline(__always)
  func word32(at offset: Int) -> UInt32 {
    unsafe UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  /// The u64 at an offset.
  @inline(__always)
  func word64(at offset: Int) -> UInt64 {
    unsafe UInt64(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// The binary16 number at an offset, as a float.
  @inline(__always)
  func binary16(at offset: Int) -> Float { unsafe Binary16.float(word16(at: offset)) }
}

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
    for index in 0..<count {
      unsafe put((low.byte(at: index) & 15) | high.byte(at: index) << 4, at: offset &+ index)
    }
  }
}

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
