package import WeightmillTensors

/// The permutation of a head's rows between the two orders.
///
/// With head dimension *d*, *i* < *d*/2 and *j* in {0, 1}: row *hd* + *j* *d*/2 + *i* of the halves
/// order is row *hd* + 2*i* + *j* of the neighbours order.
package struct RowPermutation: Sendable {
  /// The head dimension: rows change places within so many.
  package let head: Int
  private let to: Architecture.RowOrder

  /// Describes the way into an order.
  ///
  /// - Parameters:
  ///   - head: The head dimension, even.
  ///   - to: The order that rows are brought into; they are in the other one.
  package init(head: Int, to: Architecture.RowOrder) {
    self.head = head
    self.to = to
  }

  /// The row of the other order that a row of the target order is.
  ///
  /// - Parameter row: The row.
  /// - Returns: Its index in the other order, within the same head.
  package func source(of row: Int) -> Int {
    let (first, index) = (row / head * head, row % head)
    switch to {
    case .halves: return first + index % (head / 2) * 2 + index / (head / 2)
    case .neighbours: return first + index % 2 * (head / 2) + index / 2
    }
  }

  /// Reads rows of a tensor that is stored in the other order.
  ///
  /// A vector is what is added to queries or keys, or multiplies them: its values change places as
  /// the rows of the matrix do.
  ///
  /// - Parameters:
  ///   - rows: The rows of the target order; of a vector its one row.
  ///   - catalogue: The catalogue.
  ///   - index: The tensor's index in it.
  ///   - bytes: Where to write.
  ///   - offset: The first byte to write.
  /// - Throws: Reading errors; `unsupported` for a vector of blocks, whose values cannot change places.
  package func read(
    rows: Range<Int>, of catalogue: any Catalogue, tensor index: Int,
    into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let tensor = catalogue.tensors[index]
    guard tensor.shape.extents.count > 1 else {
      return try readVector(rows, of: catalogue, index, tensor, into: &bytes, at: offset)
    }
    // One read for each head: rows change places within it only.
    let size = tensor.bytesPerRow
    var first = rows.lowerBound
    while first < rows.upperBound {
      let end = min(rows.upperBound, (first / head + 1) * head)
      let sources = (first..<end).map(source)
      let (low, high) = (sources.min() ?? first, sources.max() ?? first)
      let block = try catalogue.bytes(rows: low..<high + 1, ofTensor: index)
      for (row, source) in zip(first..., sources) {
        bytes.copy(
          block, from: (source - low) * size, count: size,
          to: offset + (row - rows.lowerBound) * size)
      }
      first = end
    }
  }

  private func readVector(
    _ rows: Range<Int>, of catalogue: any Catalogue, _ index: Int, _ tensor: TensorDescriptor,
    into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    guard tensor.type.valuesPerBlock == 1 else {
      throw WeightmillError(
        .unsupported, catalogue.location,
        "tensor \(quoted(tensor.name)) is of type \(tensor.type.name), whose values cannot change "
          + "places", remedy: "start from the model before it was quantized")
    }
    let size = tensor.type.bytesPerBlock
    let values = try catalogue.bytes(rows: rows, ofTensor: index)
    for column in 0..<values.count / size {
      bytes.copy(values, from: source(of: column) * size, count: size, to: offset + column * size)
    }
  }
}

extension Catalogue {
  /// Reads rows as `read(rows:ofTensor:into:at:)`, permuted where they are stored in another order.
  ///
  /// - Parameters:
  ///   - rows: The rows of the target order.
  ///   - index: The tensor's index in `tensors`.
  ///   - permutation: The way into the target order; `nil` for rows that are in it.
  ///   - bytes: Where to write.
  ///   - offset: The first byte to write.
  /// - Throws: As `RowPermutation.read(rows:of:tensor:into:at:)`.
  package func read(
    rows: Range<Int>, ofTensor index: Int, permutedBy permutation: RowPermutation?,
    into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    guard let permutation else {
      return try read(rows: rows, ofTensor: index, into: &bytes, at: offset)
    }
    try permutation.read(rows: rows, of: self, tensor: index, into: &bytes, at: offset)
  }

  /// Reads rows into a new array, permuted where they are stored in another order.
  ///
  /// - Parameters:
  ///   - rows: The rows of the target order.
  ///   - index: The tensor's index in `tensors`.
  ///   - permutation: The way into the target order; `nil` for rows that are in it.
  /// - Returns: `rows.count * bytesPerRow` bytes.
  /// - Throws: As `RowPermutation.read(rows:of:tensor:into:at:)`.
  package func bytes(
    rows: Range<Int>, ofTensor index: Int, permutedBy permutation: RowPermutation?
  ) throws(WeightmillError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: rows.count * tensors[index].bytesPerRow)
    try bytes.withMutableBytes { (span) throws(WeightmillError) in
      try read(rows: rows, ofTensor: index, permutedBy: permutation, into: &span, at: 0)
    }
    return bytes
  }
}
