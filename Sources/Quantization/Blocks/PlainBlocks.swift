import Tensors

/// Values stored one by one: F32, F16, BF16, little endian.
enum PlainBlocks {
  static func decodeF32(
    _ bytes: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, _ count: Int
  ) {
    for place in 0..<count {
      let bits = unsafe bytes.loadUnaligned(fromByteOffset: place &* 4, as: UInt32.self)
      unsafe values[place] = Float(bitPattern: UInt32(littleEndian: bits))
    }
  }

  static func decodeF16(
    _ bytes: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, _ count: Int
  ) {
    for place in 0..<count {
      let bits = unsafe bytes.loadUnaligned(fromByteOffset: place &* 2, as: UInt16.self)
      unsafe values[place] = Binary16.float(UInt16(littleEndian: bits))
    }
  }

  static func decodeBF16(
    _ bytes: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, _ count: Int
  ) {
    for place in 0..<count {
      let bits = unsafe bytes.loadUnaligned(fromByteOffset: place &* 2, as: UInt16.self)
      unsafe values[place] = BFloat16.float(UInt16(littleEndian: bits))
    }
  }

  static func encodeF32(
    _ values: UnsafePointer<Float>, _ bytes: UnsafeMutableRawPointer, _ count: Int
  ) {
    for place in 0..<count {
      let bits = unsafe values[place].bitPattern.littleEndian
      unsafe bytes.storeBytes(of: bits, toByteOffset: place &* 4, as: UInt32.self)
    }
  }

  static func encodeF16(
    _ values: UnsafePointer<Float>, _ bytes: UnsafeMutableRawPointer, _ count: Int
  ) {
    for place in 0..<count {
      let bits = unsafe Binary16.bits(values[place])
      unsafe bytes.storeBytes(of: bits.littleEndian, toByteOffset: place &* 2, as: UInt16.self)
    }
  }

  static func encodeBF16(
    _ values: UnsafePointer<Float>, _ bytes: UnsafeMutableRawPointer, _ count: Int
  ) {
    for place in 0..<count {
      let bits = unsafe BFloat16.bits(values[place])
      unsafe bytes.storeBytes(of: bits.littleEndian, toByteOffset: place &* 2, as: UInt16.self)
    }
  }
}

extension UnsafeRawPointer {
  /// The binary16 number at this place, as a float.
  @inline(__always)
  func binary16(at offset: Int) -> Float {
    unsafe Binary16.float(
      UInt16(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
  }
}
