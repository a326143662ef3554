import CWeightmillKernels

/// Rows of floating-point numbers as files hold them, little endian, and their float32 values.
package enum ScalarRows {
  /// The types that can be decoded.
  package static let decodable: [TensorType] =
    encodable + [.f64, .f8e4m3, .f8e5m2, .f8e4m3fnuz, .f8e5m2fnuz]
  /// The types that values can be rounded to.
  package static let encodable: [TensorType] = [.f32, .f16, .bf16]

  // MARK: Arrays and spans

  /// The values of stored numbers; exact but for F64, which is rounded to the nearest, ties to even.
  ///
  /// - Parameters:
  ///   - bytes: Whole numbers.
  ///   - type: Their type, one of `decodable`.
  /// - Returns: Their values.
  package static func values(_ bytes: [UInt8], as type: TensorType) -> [Float] {
    let count = bytes.count / type.bytesPerBlock
    return unsafe [Float](unsafeUninitializedCapacity: count) { target, initialized in
      unsafe bytes.withUnsafeBytes { source in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        unsafe decode(from, as: type, to, count: count)
      }
      initialized = count
    }
  }

  /// Stores values, each rounded to the nearest number of the type, ties to even.
  ///
  /// - Parameters:
  ///   - values: Any values.
  ///   - type: One of `encodable`.
  ///   - bytes: Where to write; must have room.
  ///   - offset: The first byte to write.
  package static func store(
    _ values: [Float], as type: TensorType, into bytes: inout MutableRawSpan, at offset: Int
  ) {
    precondition(offset >= 0 && offset <= bytes.byteCount)
    precondition(values.count * type.bytesPerBlock <= bytes.byteCount - offset)
    unsafe bytes.withUnsafeMutableBytes { target in
      unsafe values.withUnsafeBufferPointer { source in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        unsafe encode(from, as: type, to + offset, count: values.count)
      }
    }
  }

  /// Stores numbers of one type as numbers of another, each rounded to the nearest.
  ///
  /// - Parameters:
  ///   - numbers: Whole numbers.
  ///   - source: Their type, one of `decodable`.
  ///   - target: The type to store, one of `encodable`.
  ///   - bytes: Where to write; must have room.
  ///   - offset: The first byte to write.
  package static func convert(
    _ numbers: [UInt8], from source: TensorType, to target: TensorType,
    into bytes: inout MutableRawSpan, at offset: Int
  ) {
    let count = numbers.count / source.bytesPerBlock
    precondition(offset >= 0 && offset <= bytes.byteCount)
    precondition(count * target.bytesPerBlock <= bytes.byteCount - offset)
    // Values of a strip stay in the nearest cache.
    let strip = 2048
    unsafe bytes.withUnsafeMutableBytes { output in
      unsafe numbers.withUnsafeBytes { input in
        unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: strip) { values in
          guard let from = input.baseAddress, let to = output.baseAddress,
            let values = values.baseAddress
          else { return }
          for first in stride(from: 0, to: count, by: strip) {
            let some = min(strip, count &- first)
            unsafe decode(from + first &* source.bytesPerBlock, as: source, values, count: some)
            unsafe encode(
              values, as: target, to + (offset &+ first &* target.bytesPerBlock), count: some)
          }
        }
      }
    }
  }

  // MARK: Pointers

  /// Decodes numbers, unchecked.
  ///
  /// - Parameters:
  ///   - bytes: `count` numbers at any address.
  ///   - type: Their type, one of `decodable`.
  ///   - values: Room for `count` values.
  ///   - count: How many numbers there are.
  package static func decode(
    _ bytes: UnsafeRawPointer, as type: TensorType, _ values: UnsafeMutablePointer<Float>,
    count: Int
  ) {
    switch type {
    case .f32: unsafe decode(bytes, values, count) { Float(bitPattern: $0) }
    case .f16:
      unsafe weightmill_widen_halves(
        weightmill_level(), bytes.assumingMemoryBound(to: UInt16.self), count, values)
    case .bf16: unsafe decode(bytes, values, count) { BFloat16.float($0) }
    case .f64: unsafe decode(bytes, values, count) { Float(Double(bitPattern: $0)) }
    case .f8e4m3: unsafe decode(bytes, values, count) { Float8E4M3.float($0) }
    case .f8e5m2: unsafe decode(bytes, values, count) { Float8E5M2.float($0) }
    case .f8e4m3fnuz: unsafe decode(bytes, values, count) { Float8E4M3FNUZ.float($0) }
    case .f8e5m2fnuz: unsafe decode(bytes, values, count) { Float8E5M2FNUZ.float($0) }
    default: preconditionFailure("\(type.name) is no type of plain floating-point numbers")
    }
  }

  /// Encodes values, unchecked, each rounded to the nearest number, ties to even.
  ///
  /// - Parameters:
  ///   - values: `count` values.
  ///   - type: One of `encodable`.
  ///   - bytes: Room for `count` numbers, at any address.
  ///   - count: How many values there are.
  package static func encode(
    _ values: UnsafePointer<Float>, as type: TensorType, _ bytes: UnsafeMutableRawPointer,
    count: Int
  ) {
    switch type {
    case .f32: unsafe encode(values, bytes, count) { $0.bitPattern }
    case .f16: unsafe encode(values, bytes, count) { Binary16.bits($0) }
    case .bf16: unsafe encode(values, bytes, count) { BFloat16.bits($0) }
    default: preconditionFailure("values are not rounded to \(type.name)")
    }
  }

  @inline(__always)
  private static func decode<Stored: FixedWidthInteger>(
    _ bytes: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, _ count: Int,
    _ value: (Stored) -> Float
  ) {
    for index in 0..<count {
      let bits = unsafe bytes.loadUnaligned(
        fromByteOffset: index &* MemoryLayout<Stored>.size, as: Stored.self)
      unsafe (values + index).initialize(to: value(Stored(littleEndian: bits)))
    }
  }

  @inline(__always)
  private static func encode<Stored: FixedWidthInteger>(
    _ values: UnsafePointer<Float>, _ bytes: UnsafeMutableRawPointer, _ count: Int,
    _ bits: (Float) -> Stored
  ) {
    for index in 0..<count {
      unsafe bytes.storeBytes(
        of: bits(values[index]).littleEndian, toByteOffset: index &* MemoryLayout<Stored>.size,
        as: Stored.self)
    }
  }
}
