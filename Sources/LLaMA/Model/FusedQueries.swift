package import WeightmillTensors

/// A model's queries, keys and values put together again, as its own layout has them.
package struct FusedQueries: Catalogue {
  package let tensors: [TensorDescriptor]
  private let base: any Catalogue
  private let sources: [Source]
  private let height: Int

  private enum Source: Sendable {
    case whole(Int)
    /// The three tensors, with the first row of each in a group and their number.
    case fused([(index: Int, first: Int, count: Int)])
  }

  /// Puts them together.
  ///
  /// - Parameters:
  ///   - base: The model in Hugging Face's names and row order.
  ///   - configuration: The model's sizes.
  package init(_ base: any Catalogue, _ configuration: LlamaConfiguration) {
    let parts = FusedParts(configuration)
    var (tensors, sources) = ([TensorDescriptor](), [Source]())
    var indices: [String: Int] = [:]
    for (index, tensor) in base.tensors.enumerated() { indices[tensor.name] = index }
    for (index, tensor) in base.tensors.enumerated() {
      guard let part = parts.all.first(where: { tensor.name.hasSuffix(".\($0.module).weight") })
      else {
        tensors.append(tensor)
        sources.append(.whole(index))
        continue
      }
      let prefix = tensor.name.dropLast("\(part.module).weight".count)
      let three = parts.all.compactMap { other in
        indices["\(prefix)\(other.module).weight"].map { ($0, other.first, other.count) }
      }
      guard part.kind == .query, three.count == 3,
        let shape = TensorShape([parts.rows] + tensor.shape.extents.dropFirst())
      else { continue }
      tensors.append(
        TensorDescriptor(name: "\(prefix)\(parts.module).weight", type: tensor.type, shape: shape))
      sources.append(.fused(three))
    }
    self.base = base
    self.tensors = tensors
    self.sources = sources
    height = parts.height
  }

  package var location: String { base.location }

  package func readingOrdinal(ofTensor index: Int) -> Int {
    switch sources[index] {
    case .whole(let source): base.readingOrdinal(ofTensor: source)
    case .fused(let parts): base.readingOrdinal(ofTensor: parts[0].index)
    }
  }

  package func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    switch sources[index] {
    case .whole(let source):
      try base.read(rows: rows, ofTensor: source, into: &bytes, at: offset)
    case .fused(let parts):
      let size = tensors[index].bytesPerRow
      var row = rows.lowerBound
      while row < rows.upperBound {
        let (group, place) = (row / height, row % height)
        guard let part = parts.last(where: { $0.first <= place }) else { return }
        let count = min(part.first + part.count - place, rows.upperBound - row)
        let first = group * part.count + place - part.first
        try base.read(
          rows: first..<first + count, ofTensor: part.index, into: &bytes,
          at: offset + (row - rows.lowerBound) * size)
        row += count
      }
    }
  }
}
