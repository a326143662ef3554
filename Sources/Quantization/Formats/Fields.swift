import Tensors

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
