/// A catalogue's tensors under other names, some of them left out, in its order.
package struct RenamedCatalogue: Catalogue {
  /// The catalogue's file or folder.
  package let location: String
  /// The tensors under their new names.
  package let tensors: [TensorDescriptor]
  /// The index of each tensor in the catalogue it comes from.
  package let sourceIndices: [Int]
  /// The catalogue they come from; another one in its place must have the same tensors.
  package var catalogue: any Catalogue

  /// Renames tensors.
  ///
  /// - Parameters:
  ///   - catalogue: The tensors.
  ///   - name: The new name of a tensor; `nil` leaves it out.
  package init(_ catalogue: any Catalogue, name: (TensorDescriptor) -> String?) {
    self.catalogue = catalogue
    location = catalogue.location
    let renamed = catalogue.tensors.enumerated().compactMap { index, tensor in
      name(tensor).map { name in
        (index, TensorDescriptor(name: name, type: tensor.type, shape: tensor.shape))
      }
    }
    sourceIndices = renamed.map(\.0)
    tensors = renamed.map(\.1)
  }

  /// The ordinal of the tensor it comes from.
  package func readingOrdinal(ofTensor index: Int) -> Int {
    catalogue.readingOrdinal(ofTensor: sourceIndices[index])
  }

  /// Reads rows of the tensor it comes from.
  package func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    try catalogue.read(rows: rows, ofTensor: sourceIndices[index], into: &bytes, at: offset)
  }
}

/// Some of a catalogue's tensors, in its order.
package struct SelectedCatalogue: Catalogue {
  /// The catalogue's file or folder.
  package let location: String
  /// The tensors that were selected.
  package let tensors: [TensorDescriptor]
  private let catalogue: any Catalogue
  private let sourceIndices: [Int]

  /// Selects tensors.
  ///
  /// - Parameters:
  ///   - catalogue: The tensors.
  ///   - isWanted: Whether a tensor is selected.
  package init(_ catalogue: any Catalogue, where isWanted: (TensorDescriptor) -> Bool) {
    self.catalogue = catalogue
    location = catalogue.location
    sourceIndices = catalogue.tensors.indices.filter { isWanted(catalogue.tensors[$0]) }
    tensors = sourceIndices.map { catalogue.tensors[$0] }
  }

  /// The ordinal of the tensor it comes from.
  package func readingOrdinal(ofTensor index: Int) -> Int {
    catalogue.readingOrdinal(ofTensor: sourceIndices[index])
  }

  /// Reads rows of the tensor it comes from.
  package func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    try catalogue.read(rows: rows, ofTensor: sourceIndices[index], into: &bytes, at: offset)
  }
}
