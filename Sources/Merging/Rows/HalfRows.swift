import CKernels
import Tensors

/// Rows of binary16 numbers, read from rows of any floating-point type, and their sums.
enum HalfRows {
  /// The types that can be merged.
  static let types: [TensorType] = [.f16, .bf16, .f32]
  /// The types that can be read.
  static let readable = types + [.f64, .f8e4m3, .f8e5m2, .f8e4m3fnuz, .f8e5m2fnuz]

  /// Reads rows, rounded to binary16 where they are of another type.
  static func read(
    _ rows: Range<Int>, of catalogue: any Catalogue, _ index: Int,
    into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let tensor = catalogue.tensors[index]
    if tensor.type == .f16 {
      return try catalogue.read(rows: rows, ofTensor: index, into: &bytes, at: offset)
    }
    let source = try catalogue.bytes(rows: rows, ofTensor: index)
    let size = tensor.type.bytesPerBlock
    let count = source.count / size
    precondition(offset >= 0 && offset + count * 2 <= bytes.byteCount)
    unsafe bytes.withUnsafeMutableBytes { target in
      unsafe source.withUnsafeBytes { source in
        for element in 0..<count {
          let value = unsafe value(source, at: element &* size, tensor.type)
          unsafe target.storeBytes(
            of: Binary16.bits(value).littleEndian, toByteOffset: offset &+ element &* 2,
            as: UInt16.self)
        }
      }
    }
  }

  @inline(__always)
  private static func value(
    _ bytes: UnsafeRawBufferPointer, at offset: Int, _ type: TensorType
  ) -> Float {
    switch type {
    case .f8e4m3: unsafe Float8E4M3.float(bytes[offset])
    case .f8e5m2: unsafe Float8E5M2.float(bytes[offset])
    case .f8e4m3fnuz: unsafe Float8E4M3FNUZ.float(bytes[offset])
    case .f8e5m2fnuz: unsafe Float8E5M2FNUZ.float(bytes[offset])
    case .bf16:
      unsafe BFloat16.float(
        UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
    case .f64:
      unsafe Float(
        Double(
          bitPattern: UInt64(
            littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))))
    default:
      unsafe Float(
        bitPattern: UInt32(
          littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }
  }

  /// Adds binary16 numbers to those in a span: in float32, then rounded to the nearest, ties to
  /// even, which is the correctly rounded sum (24 bits are at least twice 11 plus 2).
  static func add(_ addend: [UInt8], to bytes: inout MutableRawSpan, at offset: Int) {
    precondition(offset >= 0 && offset + addend.count <= bytes.byteCount)
    unsafe bytes.withUnsafeMutableBytes { target in
      unsafe addend.withUnsafeBytes { source in
        guard let from = source.baseAddress, let start = target.baseAddress else { return }
        unsafe weightmill_add_halves(weightmill_level(), start + offset, from, addend.count / 2)
      }
    }
  }
}
