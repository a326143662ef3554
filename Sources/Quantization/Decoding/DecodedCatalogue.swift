package import WeightmillTensors

/// A catalogue whose tensors are all F32, decoded as they are read: for what puts rows of several
/// tensors together, which may be of several types.
package struct DecodedCatalogue: Catalogue {
  package let tensors: [TensorDescriptor]
  private let base: any Catalogue
  private let decoders: [RowDecoder]

  /// Describes the decoded tensors.
  ///
  /// - Parameter base: The tensors as they are stored.
  /// - Throws: `unsupported` for types that cannot be decoded.
  package init(_ base: any Catalogue) throws(WeightmillError) {
    self.base = base
    var decoders: [RowDecoder] = []
    for tensor in base.tensors {
      decoders.append(try RowDecoder(tensor.type, location: base.location))
    }
    self.decoders = decoders
    tensors = base.tensors.map { TensorDescriptor(name: $0.name, type: .f32, shape: $0.shape) }
  }

  package var location: String { base.location }

  package func readingOrdinal(ofTensor index: Int) -> Int {
    base.readingOrdinal(ofTensor: index)
  }

  package func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let stored = try base.bytes(rows: rows, ofTensor: index)
    var values = [Float](repeating: 0, count: rows.count * tensors[index].shape.columns)
    decoders[index].decode(stored, into: &values)
    ScalarRows.store(values, as: .f32, into: &bytes, at: offset)
  }
}
