/// The tensors of several catalogues, one after the other: the shards of a checkpoint.
public struct CombinedCatalogue: Catalogue {
  /// The folder of the shards.
  public let location: String
  /// The tensors of all shards, in their order.
  public let tensors: [TensorDescriptor]
  private let parts: [any Catalogue]
  private let sources: [(part: Int, index: Int)]

  /// Combines catalogues.
  ///
  /// - Parameters:
  ///   - parts: The catalogues.
  ///   - location: The folder they lie in, for messages.
  public init(_ parts: [any Catalogue], location: String) {
    self.location = location
    self.parts = parts
    self.tensors = parts.flatMap(\.tensors)
    self.sources = parts.indices.flatMap { part in
      parts[part].tensors.indices.map { (part, $0) }
    }
  }

  /// The ordinal of the tensor it comes from.
  public func readingOrdinal(ofTensor index: Int) -> Int {
    let source = sources[index]
    let before = parts[..<source.part].reduce(0) { $0 + $1.tensors.count }
    return before + parts[source.part].readingOrdinal(ofTensor: source.index)
  }

  /// Reads rows from the shard that holds the tensor.
  public func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let source = sources[index]
    try parts[source.part].read(rows: rows, ofTensor: source.index, into: &bytes, at: offset)
  }
}
