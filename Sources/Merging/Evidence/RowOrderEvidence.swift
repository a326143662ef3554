import WeightmillLLaMA
import WeightmillTensors

/// Whether the rows of queries and keys are in the same order in base and delta.
///
/// Files under Hugging Face's names that hold Meta's order have the right shapes and, but for these
/// matrices, the right values. In the wrong order their sums are rounded as often as those with another
/// base; on mini-ziya 37 % of them, and 10 % in the right one.
struct RowOrderEvidence {
  /// Rows of queries or of keys.
  private struct Sample {
    let name: String
    /// With the base's rows as its layout has them.
    let declared: WeightSample
    /// With the base's rows as if they were in the other order than its layout says: brought from
    /// Meta's order into Hugging Face's, and the other way.
    let fromMetas: WeightSample
    let intoMetas: WeightSample
  }

  /// What is wrong, of which side, and what to do about it.
  struct Problem {
    let isDeltas: Bool
    let problem: String
    let remedy: String
  }

  private let samples: [Sample]
  private let baseIsMetas: Bool

  /// Reads the first rows of queries and keys that move in the other order.
  ///
  /// - Parameters:
  ///   - base: The base.
  ///   - delta: The delta.
  /// - Throws: Reading errors.
  init(base: LlamaModel, delta: LlamaModel) throws(WeightmillError) {
    baseIsMetas = base.scheme == .meta
    let (ours, theirs) = (
      LlamaView(base, as: .huggingFace), LlamaView(delta, as: .huggingFace)
    )
    let head = base.configuration.headDimension
    let (halves, neighbours) = (
      RowPermutation(head: head, to: .halves), RowPermutation(head: head, to: .neighbours)
    )
    var samples: [Sample] = []
    for (kind, name) in [(TensorRole.LayerTensor.query, "queries"), (.key, "keys")] {
      let pairs = try Self.pairs(kind, ours, theirs, base.configuration)
      let height = max(1, WeightSample.rowCount / max(1, pairs.count))
      let rowCount = pairs.first.map { ours.tensors[$0.base].shape.rows } ?? 0
      // The first and the last row of a head are the same in both orders.
      let rows = (0..<rowCount).lazy.filter { (1..<head - 1).contains($0 % head) }.prefix(height)
      func sample(_ source: (Int) -> Int) throws(WeightmillError) -> WeightSample {
        var values: [(base: [Float], delta: [Float])] = []
        for pair in pairs {
          for row in rows {
            values.append(
              (
                try WeightSample.values(source(row), of: ours, pair.base),
                try WeightSample.values(row, of: theirs, pair.delta)
              ))
          }
        }
        return WeightSample(rows: values)
      }
      samples.append(
        Sample(
          name: name, declared: try sample { $0 }, fromMetas: try sample(halves.source),
          intoMetas: try sample(neighbours.source)))
    }
    self.samples = samples
  }

  /// The indices of a matrix in the layers of both sides.
  private static func pairs(
    _ kind: TensorRole.LayerTensor, _ base: LlamaView, _ delta: LlamaView,
    _ configuration: LlamaConfiguration
  ) throws(WeightmillError) -> [(base: Int, delta: Int)] {
    let (ours, theirs) = (try TensorIndex(base), try TensorIndex(delta))
    return (0..<configuration.layerCount).compactMap { layer in
      let name = NamingScheme.huggingFace.name(
        of: .layer(layer, kind), in: configuration.architecture)
      guard let first = ours[name], let second = theirs[name] else { return nil }
      return (first, second)
    }
  }

  /// What speaks against the order, where the other matrices speak for the base.
  ///
  /// - Parameter kind: The delta's family.
  /// - Returns: The problem; `nil` for none.
  func problem(_ kind: DeltaKind) -> Problem? {
    func figures(_ sample: WeightSample) -> RoundingEvidence? { RoundingEvidence(sample, kind) }
    let strangers = samples.filter { figures($0.declared)?.verdict == .stranger }
    guard let first = strangers.first, let declared = figures(first.declared) else { return nil }
    let names = strangers.map(\.name).joined(separator: " and ")
    let share = "\(percent(declared.rounded)) of their sums are rounded"
    func isRight(_ sample: (Sample) -> WeightSample) -> RoundingEvidence? {
      guard strangers.allSatisfy({ figures(sample($0))?.verdict == .right }) else { return nil }
      return figures(sample(first))
    }
    if let right = isRight(\.fromMetas) {
      return Problem(
        isDeltas: false,
        problem:
          "has its \(names) in Meta's order of rows, not in Hugging Face's: \(share), in that "
          + "order \(percent(right.rounded))",
        remedy:
          "give Meta's own files, or those that convert_llama_weights_to_hf.py of transformers "
          + "makes of them")
    }
    if let right = isRight(\.intoMetas) {
      return Problem(
        isDeltas: !baseIsMetas,
        problem: "has its \(names) in "
          + (baseIsMetas
            ? "Hugging Face's order of rows, not in Meta's"
            : "Meta's order of rows, not "
              + "in Hugging Face's") + ": \(share), in that order \(percent(right.rounded))",
        remedy: baseIsMetas
          ? "give Meta's own files" : "use the delta as its authors published it")
    }
    return Problem(
      isDeltas: false,
      problem: "has other \(names) than the delta was made for, or their rows in another order: "
        + "\(share), as many as with any other base (\(percent(declared.control)))",
      remedy: "use the base the delta was made for")
  }
}
