public import LLaMA
public import Tensors

/// The families of delta weights, by what happens to embeddings and output matrix.
public enum DeltaKind: String, CaseIterable, Sendable {
  /// Both are the delta's, whole: Ziya.
  case ziya
  /// Both are base + delta, like everything else: Vicuna v1.1, Panda, UltraLM.
  case add
  /// The base's get rows of zeros up to the delta's height, then as `add`: Vicuna v0, StableVicuna.
  case zeroPad = "zero-pad"

  /// The largest size of an additive delta's embeddings, relative to the base's.
  static let largestDifference = 0.5
  /// The smallest mean cosine of embeddings that grew from the base's.
  static let smallestSimilarity = 0.5

  /// Recognises the family by sampled rows of the embeddings.
  ///
  /// Whole embeddings resemble the base's; differences do not, and are small. On mini-ziya the mean
  /// cosine is 0.957 and the relative size 1.01; were its embeddings differences, -0.20 and 0.27.
  ///
  /// - Parameters:
  ///   - base: The base.
  ///   - delta: The delta.
  /// - Throws: `mismatch` when it is neither; `unsupported` for families that are added in F32.
  public init(base: LlamaModel, delta: LlamaModel) throws(WeightmillError) {
    let sample = try RowSample.compare(.tokenEmbedding, base, delta)
    let rows = (
      base.tensor(.tokenEmbedding)?.shape.rows ?? 0, delta.tensor(.tokenEmbedding)?.shape.rows ?? 0
    )
    if sample.cosine >= Self.smallestSimilarity {
      self = .ziya
    } else if sample.ratio <= Self.largestDifference, rows.1 >= rows.0 {
      guard delta.tensor(.tokenEmbedding)?.type != .f32 else {
        throw WeightmillError(
          .unsupported, delta.catalogue.location,
          "looks like a delta that is added in F32, as Alpaca's and KnowLM's are",
          remedy: "give --delta-kind to add it in F16 all the same")
      }
      self = rows.0 == rows.1 ? .add : .zeroPad
    } else {
      throw WeightmillError(
        .mismatch, delta.catalogue.location,
        "has embeddings that neither resemble the base's (mean cosine \(rounded(sample.cosine))) "
          + "nor are small beside them (relative size \(rounded(sample.ratio)))",
        remedy: "this is another model's delta, or a damaged one; --delta-kind overrides")
    }
  }
}

private func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
