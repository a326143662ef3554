package import WeightmillTensors

/// A checkpoint whose queries, keys and values are one matrix in each layer, taken apart.
///
/// Rows are grouped by key-value head: for each its query heads, then its key head, then its value head,
/// each of head size rows. Source: `conversion/internlm.py` of llama.cpp.
package struct GroupedQueries: Catalogue {
  package let tensors: [TensorDescriptor]
  private let base: any Catalogue
  private let sources: [Source]
  /// The number of rows of a group.
  private let height: Int

  /// The rows that make a tensor: of each group `count` rows from `first` on; `nil` is all rows.
  private struct Source: Sendable {
    let index: Int
    var part: (first: Int, count: Int)?
  }

  /// Takes the matrices of layers apart.
  ///
  /// - Parameters:
  ///   - base: The checkpoint in Hugging Face's names.
  ///   - configuration: The model's sizes.
  /// - Throws: `mismatch` for a fused matrix of another height than the sizes give.
  package init(
    _ base: any Catalogue, _ configuration: LlamaConfiguration
  ) throws(WeightmillError) {
    let head = configuration.headDimension
    let group = configuration.headCount / configuration.keyValueHeadCount * head
    height = group + 2 * head
    let parts: [(TensorRole.LayerTensor, first: Int, count: Int)] = [
      (.query, 0, group), (.key, group, head), (.value, group + head, head),
    ]
    let (scheme, architecture) = (NamingScheme.huggingFace, configuration.architecture)
    let groups = configuration.keyValueHeadCount
    var (tensors, sources) = ([TensorDescriptor](), [Source]())
    for (index, tensor) in base.tensors.enumerated() {
      guard let layer = Self.layer(tensor.name, architecture) else {
        tensors.append(tensor)
        sources.append(Source(index: index))
        continue
      }
      guard tensor.shape.extents == [groups * height, configuration.hiddenSize] else {
        throw WeightmillError(
          .mismatch, base.location,
          "tensor \(quoted(tensor.name)) is \(tensor.shape), not "
            + "\([groups * height, configuration.hiddenSize])",
          remedy: "check that all files come from the same model")
      }
      for (kind, first, count) in parts {
        guard let shape = TensorShape([groups * count, configuration.hiddenSize]) else { continue }
        tensors.append(
          TensorDescriptor(
            name: scheme.name(of: .layer(layer, kind), in: architecture), type: tensor.type,
            shape: shape))
        sources.append(Source(index: index, part: (first, count)))
      }
    }
    self.base = base
    self.tensors = tensors
    self.sources = sources
  }

  /// The layer of a fused matrix.
  private static func layer(_ name: String, _ architecture: Architecture) -> Int? {
    let prefix = "model.layers."
    guard let suffix = architecture.fusedQueries, name.hasPrefix(prefix),
      let layer = Int(name.dropFirst(prefix.count).prefix { $0 != "." }), layer >= 0,
      name == "\(prefix)\(layer).\(suffix)"
    else { return nil }
    return layer
  }

  package var location: String { base.location }

  package func readingOrdinal(ofTensor index: Int) -> Int {
    base.readingOrdinal(ofTensor: sources[index].index)
  }

  package func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let source = sources[index]
    guard let part = source.part else {
      return try base.read(rows: rows, ofTensor: source.index, into: &bytes, at: offset)
    }
    let size = tensors[index].bytesPerRow
    var row = rows.lowerBound
    while row < rows.upperBound {
      let (group, place) = (row / part.count, row % part.count)
      let count = min(part.count - place, rows.upperBound - row)
      let first = group * height + part.first + place
      try base.read(
        rows: first..<first + count, ofTensor: source.index, into: &bytes,
        at: offset + (row - rows.lowerBound) * size)
      row += count
    }
  }
}
