import WeightmillTensors

/// The tensors of a quantized checkpoint with its matrices decoded, in its order.
struct QuantizedCatalogue: Catalogue {
  /// About how many values are decoded at a time.
  private static let blockValues = 1 << 18

  let tensors: [TensorDescriptor]
  private let stored: any Catalogue
  private let sources: [Source]

  private enum Source: Sendable {
    case stored(Int)
    case decoded(any QuantizedMatrix)
  }

  /// Puts decoded matrices in the place of their codes.
  ///
  /// - Parameters:
  ///   - stored: The checkpoint's tensors.
  ///   - matrices: The matrices.
  ///   - surplus: The indices of tensors that are left out, besides those that matrices are made of.
  init(_ stored: any Catalogue, decoding matrices: [any QuantizedMatrix], without surplus: [Int]) {
    self.stored = stored
    var hidden = Set(surplus)
    var decoded: [Int: any QuantizedMatrix] = [:]
    for matrix in matrices {
      hidden.formUnion(matrix.parts)
      decoded[matrix.codes] = matrix
    }
    var tensors: [TensorDescriptor] = []
    var sources: [Source] = []
    for (index, tensor) in stored.tensors.enumerated() {
      if let matrix = decoded[index] {
        tensors.append(matrix.tensor)
        sources.append(.decoded(matrix))
      } else if !hidden.contains(index) {
        tensors.append(tensor)
        sources.append(.stored(index))
      }
    }
    self.tensors = tensors
    self.sources = sources
  }

  var location: String { stored.location }

  func readingOrdinal(ofTensor index: Int) -> Int {
    switch sources[index] {
    case .stored(let source): stored.readingOrdinal(ofTensor: source)
    case .decoded(let matrix): stored.readingOrdinal(ofTensor: matrix.codes)
    }
  }

  func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    switch sources[index] {
    case .stored(let source):
      try stored.read(rows: rows, ofTensor: source, into: &bytes, at: offset)
    case .decoded(let matrix):
      let tensor = matrix.tensor
      guard !tensor.shape.isEmpty else { return }
      let ranges = rows.rowRanges(columns: tensor.shape.columns, values: Self.blockValues)
      for range in ranges {
        try matrix.decode(
          range, of: stored, into: &bytes,
          at: offset + (range.lowerBound - rows.lowerBound) * tensor.bytesPerRow)
      }
    }
  }
}
