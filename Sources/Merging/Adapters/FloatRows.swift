import Tensors

/// Numbers of the floating-point types that weights are stored in, as float32 values.
enum FloatRows {
  /// The types that can be read and written.
  static let types: [TensorType] = [.f16, .bf16, .f32]

  /// The values of stored numbers; exact.
  static func values(_ bytes: [UInt8], _ type: TensorType) -> [Float] {
    let count = bytes.count / type.bytesPerBlock
    return unsafe [Float](unsafeUninitializedCapacity: count) { target, initialized in
      unsafe bytes.withUnsafeBytes { source in
        switch type {
        case .f16: unsafe decode(source, count, target) { Binary16.float($0) }
        case .bf16: unsafe decode(source, count, target) { BFloat16.float($0) }
        default: unsafe decode(source, count, target) { Float(bitPattern: $0) }
        }
      }
      initialized = count
    }
  }

  /// Stores values, each rounded to the nearest number of the type, ties to even.
  static func store(
    _ values: [Float], as type: TensorType, into bytes: inout MutableRawSpan, at offset: Int
  ) {
    precondition(
      offset >= 0 && offset + values.count * type.bytesPerBlock <= bytes.byteCount)
    unsafe bytes.withUnsafeMutableBytes { target in
      unsafe values.withUnsafeBufferPointer { source in
        guard let start = target.baseAddress else { return }
        let to = unsafe start + offset
        switch type {
        case .f16: unsafe encode(source, to) { Binary16.bits($0) }
        case .bf16: unsafe encode(source, to) { BFloat16.bits($0) }
        default: unsafe encode(source, to) { $0.bitPattern }
        }
      }
    }
  }

  @inline(__always)
  private static func decode<Stored: FixedWidthInteger>(
    _ source: UnsafeRawBufferPointer, _ count: Int, _ target: UnsafeMutableBufferPointer<Float>,
    _ value: (Stored) -> Float
  ) {
    guard let from = source.baseAddress, let to = target.baseAddress else { return }
    for index in 0..<count {
      let bits = unsafe from.loadUnaligned(
        fromByteOffset: index &* MemoryLayout<Stored>.size, as: Stored.self)
      unsafe (to + index).initialize(to: value(Stored(littleEndian: bits)))
    }
  }

  @inline(__always)
  private static func encode<Stored: FixedWidthInteger>(
    _ source: UnsafeBufferPointer<Float>, _ target: UnsafeMutableRawPointer,
    _ bits: (Float) -> Stored
  ) {
    for index in 0..<source.count {
      unsafe target.storeBytes(
        of: bits(source[index]).littleEndian,
        toByteOffset: index &* MemoryLayout<Stored>.size, as: Stored.self)
    }
  }
}
