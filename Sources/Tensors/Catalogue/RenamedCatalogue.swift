/// A catalogue's tensors under other names, some of them left out, in its order.
public struct RenamedCatalogue: Catalogue {
  /// The catalogue's file or folder.
  public let location: String
  /// The tensors under their new names.
  public let tensors: [TensorDescriptor]
  /// The place of each tensor in the catalogue it comes from.
  public let places: [Int]
  private let catalogue: any Catalogue

  /// Renames tensors.
  ///
  /// - Parameters:
  ///   - catalogue: The tensors.
  ///   - name: The new name of a tensor; `nil` leaves it out.
  public init(_ catalogue: any Catalogue, name: (TensorDescriptor) -> String?) {
    self.catalogue = catalogue
    location = catalogue.location
    let renamed = catalogue.tensors.enumerated().compactMap { place, tensor in
      name(tensor).map { name in
        (place, TensorDescriptor(name: name, type: tensor.type, shape: tensor.shape))
      }
    }
    places = renamed.map(\.0)
    tensors = renamed.map(\.1)
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
