/// Some of a catalogue's tensors, in its order.
public struct SelectedCatalogue: Catalogue {
  /// The catalogue's file or folder.
  public let location: String
  /// The tensors that were selected.
  public let tensors: [TensorDescriptor]
  private let catalogue: any Catalogue
  private let places: [Int]

  /// Selects tensors.
  ///
  /// - Parameters:
  ///   - catalogue: The tensors.
  ///   - isWanted: Whether a tensor is selected.
  public init(_ catalogue: any Catalogue, where isWanted: (TensorDescriptor) -> Bool) {
    self.catalogue = catalogue
    location = catalogue.location
    places = catalogue.tensors.indices.filter { isWanted(catalogue.tensors[$0]) }
    tensors = places.map { catalogue.tensors[$0] }
  }

  /// The ordinal of the tensor it comes from.
  public func readingOrdinal(ofTensor index: Int) -> Int {
    catalogue.readingOrdinal(ofTensor: places[index])
  }

  /// Reads rows under the tensor's place here.
  public func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    try catalogue.read(rows: rows, ofTensor: places[index], into: &bytes, at: offset)
  }
}
