import WeightmillTensors

/// A matrix that is stored as codes with scales, decoded by ranges of rows.
protocol QuantizedMatrix: Sendable {
  /// The matrix as it is when decoded: `NAME.weight`.
  var tensor: TensorDescriptor { get }
  /// The index of the tensor that holds the codes, in the stored catalogue.
  var codes: Int { get }
  /// The indices of all tensors that it is made of.
  var parts: [Int] { get }

  /// Decodes rows.
  ///
  /// - Parameters:
  ///   - rows: The rows, a few: their scales are held in memory.
  ///   - catalogue: The stored tensors.
  ///   - bytes: Where to write the rows, in the matrix's type; must have room at `offset`.
  ///   - offset: The first byte to write.
  /// - Throws: Reading errors; `malformed` for a scale that is no number.
  func decode(
    _ rows: Range<Int>, of catalogue: any Catalogue, into bytes: inout MutableRawSpan,
    at offset: Int
  ) throws(WeightmillError)
}

extension Catalogue {
  /// The numbers of some rows of a tensor of scales, all of them finite.
  ///
  /// - Parameters:
  ///   - rows: The rows.
  ///   - index: The tensor's index.
  /// - Returns: The values of the rows.
  /// - Throws: `malformed` when one is infinite or no number; reading errors.
  func scales(rows: Range<Int>, ofTensor index: Int) throws(WeightmillError) -> [Float] {
    let tensor = tensors[index]
    let bytes = try bytes(rows: rows, ofTensor: index)
    let values =
      tensor.type == .f8e8m0
      ? bytes.map(Float.init(powerOfTwo:)) : ScalarRows.values(bytes, as: tensor.type)
    guard let fault = values.firstIndex(where: { !$0.isFinite }) else { return values }
    throw WeightmillError(
      .malformed, location, "holds a scale that is \(values[fault])",
      at:
        "tensor \(quoted(tensor.name)), row \(rows.lowerBound + fault / max(tensor.shape.columns, 1))",
      remedy: "the file is damaged: fetch it again, or quantize the model anew")
  }

  /// The words of some rows of a tensor of 32-bit integers.
  ///
  /// - Parameters:
  ///   - rows: The rows.
  ///   - index: The tensor's index.
  /// - Returns: The words.
  /// - Throws: Reading errors.
  func words(rows: Range<Int>, ofTensor index: Int) throws(WeightmillError) -> [UInt32] {
    let bytes = try bytes(rows: rows, ofTensor: index)
    return unsafe [UInt32](unsafeUninitializedCapacity: bytes.count / 4) { words, count in
      unsafe bytes.withUnsafeBytes { source in
        for index in 0..<source.count / 4 {
          let word = unsafe source.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)
          unsafe words.initializeElement(at: index, to: UInt32(littleEndian: word))
        }
      }
      count = bytes.count / 4
    }
  }
}

extension Float {
  /// A scale of eight bits that is a power of two: 2^(bits - 127), and 255 is no number (OCP
  /// Microscaling).
  fileprivate init(powerOfTwo bits: UInt8) {
    self =
      switch bits {
      case 255: .nan
      case 0: Float(bitPattern: 0x0040_0000)
      default: Float(bitPattern: UInt32(bits) << 23)
      }
  }
}
