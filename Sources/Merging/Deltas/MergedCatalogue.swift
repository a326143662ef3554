package import WeightmillLLaMA
package import WeightmillTensors

/// A base model plus delta weights, by the rule with which they were published.
///
/// Ziya's `embed_tokens` and `lm_head` are taken from the delta, everything else is base + delta;
/// in the other families those are added, too, the base's rows continued by zeros or by their mean
/// where the delta has more. Rotary frequencies are left out, since they follow from the
/// configuration. In families that are added in F16, both sides are rounded to binary16 first, as
/// `from_pretrained(torch_dtype=float16)` does, and the sum once more to the nearest, ties to even;
/// in the others both are widened to binary32 and the sum is binary32's. Tensors have Hugging
/// Face's names, and its row order unless `ordered(_:)` gives them in another.
///
/// Source: `apply_delta.py` of Fengshenbang-LM, FastChat and LLaVA, `weight_diff.py` of Stanford
/// Alpaca; `formats/delta-families.md`.
package struct MergedCatalogue: RowOrderedCatalogue {
  /// The base's path and the delta's, with a plus between them.
  package let location: String
  /// The merged tensors.
  package let tensors: [TensorDescriptor]
  private var base: LlamaView
  private var delta: LlamaView
  private let sources: [Source]

  private struct Source: Sendable {
    let isReplaced: Bool
    let base: Int
    let delta: Int
    /// The binary32 row that continues the base's; `nil` for zeros.
    var padding: [UInt8]?
  }

  /// Merges two models whose fit has been checked by `DeltaCheck`.
  ///
  /// - Parameters:
  ///   - base: The base, in any layout.
  ///   - delta: The delta.
  ///   - kind: The delta's family.
  /// - Throws: `mismatch` when a tensor is on one side only; reading errors.
  package init(
    base: LlamaModel, delta: LlamaModel, kind: DeltaKind
  ) throws(WeightmillError) {
    self.location = "\(base.catalogue.location) + \(delta.catalogue.location)"
    self.base = LlamaView(base, as: .huggingFace)
    self.delta = LlamaView(delta, as: .huggingFace)
    let index = try TensorIndex(self.base)
    var tensors: [TensorDescriptor] = []
    var sources: [Source] = []
    for (deltaIndex, tensor) in self.delta.tensors.enumerated() {
      guard let baseIndex = index[tensor.name] else {
        throw WeightmillError(
          .mismatch, base.catalogue.location, "lacks tensor \(quoted(tensor.name)) of the delta")
      }
      tensors.append(TensorDescriptor(name: tensor.name, type: kind.type, shape: tensor.shape))
      var source = Source(
        isReplaced: kind == .ziya && Self.isEmbedding(tensor.name, in: delta.architecture),
        base: baseIndex, delta: deltaIndex)
      if kind == .meanPad, tensor.shape.rows > self.base.tensors[baseIndex].shape.rows {
        source.padding = try Self.meanRow(of: self.base, baseIndex)
      }
      sources.append(source)
    }
    self.tensors = tensors
    self.sources = sources
  }

  /// The mean row of a tensor as binary32 numbers, little endian.
  private static func meanRow(
    of catalogue: any Catalogue, _ index: Int
  ) throws(WeightmillError) -> [UInt8] {
    let mean = try MeanRow.values(of: catalogue, index)
    var bytes = [UInt8](repeating: 0, count: mean.count * 4)
    bytes.withMutableBytes { ScalarRows.store(mean, as: .f32, into: &$0, at: 0) }
    return bytes
  }

  private static func isEmbedding(_ name: String, in architecture: Architecture) -> Bool {
    switch NamingScheme.huggingFace.role(of: name, in: architecture) {
    case .tokenEmbedding, .output: true
    default: false
    }
  }

  /// The same sums with the rows of queries and keys in another order, if one side has it: then only
  /// the other side's rows are permuted, and not the sums once more.
  package func ordered(_ order: Architecture.RowOrder) -> (any Catalogue)? {
    guard base.offers(order) || delta.offers(order) else { return nil }
    var other = self
    other.base = base.ordered(order)
    other.delta = delta.ordered(order)
    return other
  }

  /// The ordinal in the delta, which has all tensors.
  package func readingOrdinal(ofTensor index: Int) -> Int {
    delta.readingOrdinal(ofTensor: sources[index].delta)
  }

  /// Reads rows of both sides and adds them by the rule of the kind.
  package func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let source = sources[index]
    let tensor = tensors[index]
    try NumberRows.read(
      rows, of: delta, source.delta, as: tensor.type, into: &bytes, at: offset)
    guard !source.isReplaced else { return }
    NumberRows.add(
      try baseRows(rows, source, tensor), as: tensor.type, to: &bytes, at: offset)
  }

  /// The base's rows, and what continues them.
  private func baseRows(
    _ rows: Range<Int>, _ source: Source, _ tensor: TensorDescriptor
  ) throws(WeightmillError) -> [UInt8] {
    let size = tensor.bytesPerRow
    var bytes = [UInt8](repeating: 0, count: rows.count * size)
    let shared = rows.clamped(to: 0..<base.tensors[source.base].shape.rows)
    try bytes.withMutableBytes { (span) throws(WeightmillError) in
      try NumberRows.read(
        shared, of: base, source.base, as: tensor.type, into: &span, at: 0)
      guard let padding = source.padding else { return }
      for row in shared.count..<rows.count {
        span.copy(padding, from: 0, count: size, to: row * size)
      }
    }
    return bytes
  }
}
