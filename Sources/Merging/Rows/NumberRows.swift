import CWeightmillKernels
import WeightmillTensors

/// Rows of binary16 or binary32 numbers, read from rows of any floating-point type, and their sums.
enum NumberRows {
  /// Reads rows as numbers of a type, rounded to the nearest where theirs holds more.
  ///
  /// - Parameters:
  ///   - rows: Which rows.
  ///   - catalogue: Where they are.
  ///   - index: The tensor's index.
  ///   - type: The type to write, F16, BF16 or F32.
  ///   - bytes: Where to write.
  ///   - offset: The first byte to write.
  /// - Throws: Reading errors; `unsupported` for a tensor of other than floating-point numbers.
  static func read(
    _ rows: Range<Int>, of catalogue: any Catalogue, _ index: Int, as type: TensorType,
    into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let source = try sourceType(ofTensor: index, in: catalogue)
    if source == type {
      return try catalogue.read(rows: rows, ofTensor: index, into: &bytes, at: offset)
    }
    ScalarRows.convert(
      try catalogue.bytes(rows: rows, ofTensor: index), from: source, to: type, into: &bytes,
      at: offset)
  }

  /// Reads rows as values.
  ///
  /// - Parameters:
  ///   - rows: Which rows.
  ///   - catalogue: Where they are.
  ///   - index: The tensor's index.
  /// - Returns: Their values, row by row.
  /// - Throws: Reading errors; `unsupported` for a tensor of other than floating-point numbers.
  static func values(
    _ rows: Range<Int>, of catalogue: any Catalogue, _ index: Int
  ) throws(WeightmillError) -> [Float] {
    let source = try sourceType(ofTensor: index, in: catalogue)
    return ScalarRows.values(try catalogue.bytes(rows: rows, ofTensor: index), as: source)
  }

  private static func sourceType(
    ofTensor index: Int, in catalogue: any Catalogue
  ) throws(WeightmillError) -> TensorType {
    let tensor = catalogue.tensors[index]
    guard ScalarRows.decodable.contains(tensor.type) else {
      throw WeightmillError(
        .unsupported, catalogue.location,
        "tensor \(quoted(tensor.name)) is of type \(tensor.type.name), which is not read here",
        remedy: "give weights in floating point")
    }
    return tensor.type
  }

  /// Adds numbers to those in a span, each sum rounded to the nearest, ties to even.
  ///
  /// Sums of binary16 numbers are rounded from float32 sums: correctly, since 24 bits are at least twice
  /// 11 plus 2.
  ///
  /// - Parameters:
  ///   - addend: Numbers, little endian.
  ///   - type: The type of both, F16 or F32.
  ///   - bytes: What to add them to.
  ///   - offset: The first byte of it.
  static func add(
    _ addend: [UInt8], as type: TensorType, to bytes: inout MutableRawSpan, at offset: Int
  ) {
    precondition(type == .f16 || type == .f32)
    precondition(offset >= 0 && offset <= bytes.byteCount)
    precondition(addend.count <= bytes.byteCount - offset)
    unsafe bytes.withUnsafeMutableBytes { target in
      unsafe addend.withUnsafeBytes { source in
        guard let from = source.baseAddress, let start = target.baseAddress else { return }
        if type == .f16 {
          unsafe weightmill_add_halves(weightmill_level(), start + offset, from, addend.count / 2)
        } else {
          unsafe addSingles(from, to: start + offset, count: addend.count / 4)
        }
      }
    }
  }

  private static func addSingles(
    _ addend: UnsafeRawPointer, to sums: UnsafeMutableRawPointer, count: Int
  ) {
    for index in 0..<count {
      let a = unsafe addend.loadUnaligned(fromByteOffset: index &* 4, as: UInt32.self)
      let b = unsafe sums.loadUnaligned(fromByteOffset: index &* 4, as: UInt32.self)
      let sum =
        Float(bitPattern: UInt32(littleEndian: a)) + Float(bitPattern: UInt32(littleEndian: b))
      unsafe sums.storeBytes(
        of: sum.bitPattern.littleEndian, toByteOffset: index &* 4, as: UInt32.self)
    }
  }
}
