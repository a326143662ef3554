import WeightmillTensors

/// A catalogue in which some tensors are another catalogue's.
struct SubstitutedCatalogue: Catalogue {
  let location: String
  let tensors: [TensorDescriptor]
  private let own: any Catalogue
  private let other: any Catalogue
  /// For each tensor that is taken from the other catalogue, its index there.
  private let otherIndices: [Int?]

  /// Puts tensors in place of others of the same names.
  ///
  /// - Parameters:
  ///   - own: The catalogue.
  ///   - other: Where some tensors are taken from.
  ///   - names: Which ones.
  /// - Throws: `malformed` when two of the other's tensors have one name.
  init(_ own: any Catalogue, takingFrom other: any Catalogue, names: Set<String>)
    throws(WeightmillError)
  {
    let index = try TensorIndex(other)
    location = own.location
    self.own = own
    self.other = other
    otherIndices = own.tensors.map { names.contains($0.name) ? index[$0.name] : nil }
    tensors = zip(own.tensors, otherIndices).map { tensor, otherIndex in
      otherIndex.map { other.tensors[$0] } ?? tensor
    }
  }

  func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    guard let otherIndex = otherIndices[index] else {
      return try own.read(rows: rows, ofTensor: index, into: &bytes, at: offset)
    }
    try other.read(rows: rows, ofTensor: otherIndex, into: &bytes, at: offset)
  }
}
