import Tensors

/// Rows of binary32 numbers, read from rows of any floating-point type, and their sums.
enum SingleRows {
  /// Reads rows; binary16 and bfloat16 numbers are binary32 numbers, so nothing is rounded.
  static func read(
    _ rows: Range<Int>, of catalogue: any Catalogue, _ index: Int,
    into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let tensor = catalogue.tensors[index]
    if tensor.type == .f32 {
      return try catalogue.read(rows: rows, ofTensor: index, into: &bytes, at: offset)
    }
    let source = try catalogue.bytes(rows: rows, ofTensor: index)
    let isHalf = tensor.type == .f16
    let count = source.count / 2
    precondition(offset >= 0 && offset + count * 4 <= bytes.byteCount)
    unsafe bytes.withUnsafeMutableBytes { target in
      unsafe source.withUnsafeBytes { source in
        for element in 0..<count {
          let bits = unsafe UInt16(
            littleEndian: source.loadUnaligned(fromByteOffset: element &* 2, as: UInt16.self))
          let value = isHalf ? Binary16.float(bits) : BFloat16.float(bits)
          unsafe target.storeBytes(
            of: value.bitPattern.littleEndian, toByteOffset: offset &+ element &* 4, as: UInt32.self
          )
        }
      }
    }
  }

  /// Reads rows as values.
  static func values(
    _ rows: Range<Int>, of catalogue: any Catalogue, _ index: Int
  ) throws(WeightmillError) -> [Float] {
    let count = rows.count * catalogue.tensors[index].shape.columns
    var bytes = [UInt8](repeating: 0, count: count * 4)
    try bytes.withMutableBytes { (span) throws(WeightmillError) in
      try read(rows, of: catalogue, index, into: &span, at: 0)
    }
    return values(bytes)
  }

  /// The values that bytes hold.
  static func values(_ bytes: [UInt8]) -> [Float] {
    unsafe bytes.withUnsafeBytes { source in
      (0..<source.count / 4).map { element in
        unsafe Float(
          bitPattern: UInt32(
            littleEndian: source.loadUnaligned(fromByteOffset: element &* 4, as: UInt32.self)))
      }
    }
  }

  /// Adds binary32 numbers to those in a span.
  static func add(_ addend: [UInt8], to bytes: inout MutableRawSpan, at offset: Int) {
    precondition(offset >= 0 && offset + addend.count <= bytes.byteCount)
    unsafe bytes.withUnsafeMutableBytes { target in
      unsafe addend.withUnsafeBytes { source in
        guard let from = source.baseAddress, let start = target.baseAddress else { return }
        let to = unsafe start + offset
        for element in 0..<addend.count / 4 {
          let a = unsafe from.loadUnaligned(fromByteOffset: element &* 4, as: UInt32.self)
          let b = unsafe to.loadUnaligned(fromByteOffset: element &* 4, as: UInt32.self)
          let sum =
            Float(bitPattern: UInt32(littleEndian: a)) + Float(bitPattern: UInt32(littleEndian: b))
          unsafe to.storeBytes(
            of: sum.bitPattern.littleEndian, toByteOffset: element &* 4, as: UInt32.self)
        }
      }
    }
  }
}
