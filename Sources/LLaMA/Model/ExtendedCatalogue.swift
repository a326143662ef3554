package import WeightmillTensors

/// A catalogue and behind its tensors some more whose values are known: those that a GGUF file holds
/// and other files leave to their configuration.
package struct ExtendedCatalogue: RowOrderedCatalogue {
  package let tensors: [TensorDescriptor]
  private let base: any Catalogue
  private let added: [[UInt8]]

  /// Adds vectors of binary32 numbers.
  ///
  /// - Parameters:
  ///   - base: The catalogue.
  ///   - vectors: The vectors; of one without values, which no shape has, nothing is added.
  package init(_ base: any Catalogue, adding vectors: [(name: String, values: [Float])]) {
    var (tensors, added) = (base.tensors, [[UInt8]]())
    for vector in vectors {
      guard let shape = TensorShape([vector.values.count]) else { continue }
      tensors.append(TensorDescriptor(name: vector.name, type: .f32, shape: shape))
      var bytes = [UInt8](repeating: 0, count: 4 * vector.values.count)
      bytes.withMutableBytes { ScalarRows.store(vector.values, as: .f32, into: &$0, at: 0) }
      added.append(bytes)
    }
    self.init(base: base, tensors: tensors, added: added)
  }

  private init(base: any Catalogue, tensors: [TensorDescriptor], added: [[UInt8]]) {
    self.base = base
    self.tensors = tensors
    self.added = added
  }

  package var location: String { base.location }

  /// The same tensors over the other order of the catalogue's.
  package func ordered(_ order: Architecture.RowOrder) -> (any Catalogue)? {
    (base as? any RowOrderedCatalogue)?.ordered(order).map {
      ExtendedCatalogue(base: $0, tensors: tensors, added: added)
    }
  }

  package func readingOrdinal(ofTensor index: Int) -> Int {
    index < base.tensors.count ? base.readingOrdinal(ofTensor: index) : index
  }

  package func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    guard index >= base.tensors.count else {
      return try base.read(rows: rows, ofTensor: index, into: &bytes, at: offset)
    }
    guard !rows.isEmpty else { return }
    let values = added[index - base.tensors.count]
    bytes.copy(values, from: 0, count: values.count, to: offset)
  }
}
