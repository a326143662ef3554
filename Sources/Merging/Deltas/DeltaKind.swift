package import WeightmillTensors

/// The families of delta weights: what happens to embeddings and output matrix, and in which
/// arithmetic.
///
/// Everything else is base + delta in all of them. Source: the published scripts; `formats/
/// delta-families.md`.
public enum DeltaKind: String, CaseIterable, Sendable {
  /// Embeddings and output matrix are the delta's, whole; F16: Ziya.
  case ziya
  /// Embeddings and output matrix are base + delta, like everything else; F16: Vicuna v1.1, Panda,
  /// UltraLM.
  case add
  /// The base's embeddings and output matrix get rows of zeros up to the delta's height, then as
  /// `add`: Vicuna v0, StableVicuna.
  case zeroPad = "zero-pad"
  /// As `zeroPad`; tensors of a vision part are left out: LLaVA, LLaVA-Med.
  case submatrix
  /// As `add`, in F32: KnowLM.
  case addF32 = "add-f32"
  /// The base's embeddings and output matrix get rows that are the mean of the others, then as
  /// `addF32`: Alpaca.
  case meanPad = "mean-pad"

  /// The type in which base and delta are added, and of the merged tensors.
  package var type: TensorType {
    switch self {
    case .ziya, .add, .zeroPad, .submatrix: .f16
    case .addF32, .meanPad: .f32
    }
  }

  /// Whether the delta may have more rows than the base, where both are added.
  var grows: Bool {
    switch self {
    case .zeroPad, .submatrix, .meanPad: true
    case .ziya, .add, .addF32: false
    }
  }

  /// The rule in a few words.
  package var summary: String {
    switch self {
    case .ziya: "the delta's embeddings and head, base + delta elsewhere, F16 (Ziya)"
    case .add: "base + delta everywhere, F16 (Vicuna v1.1)"
    case .zeroPad: "as add, after rows of zeros in the base (Vicuna v0, StableVicuna)"
    case .submatrix: "as zero-pad, without the delta's vision tensors (LLaVA)"
    case .addF32: "base + delta everywhere, F32 (KnowLM)"
    case .meanPad: "as add-f32, after rows of the base's mean (Alpaca)"
    }
  }

  /// The largest size of an additive delta's embeddings, relative to the base's.
  static let largestDifference = 0.5
  /// The smallest mean cosine of embeddings that grew from the base's.
  static let smallestSimilarity = 0.5

  /// Recognises the family by the embeddings: whole ones resemble the base's, differences do not,
  /// and are small.
  ///
  /// Returns `nil` when they are neither: the delta of another model, or a damaged one.
  ///
  /// - Parameters:
  ///   - embeddings: How the delta's embeddings compare with the base's.
  ///   - rows: The rows of the base's embeddings, and of the delta's.
  ///   - type: The type of the delta's embeddings; families that are added in F32 publish F32.
  ///   - hasVision: Whether the delta came with tensors of a vision part.
  init?(
    embeddings: RowComparison, rows: (base: Int, delta: Int), type: TensorType, hasVision: Bool
  ) {
    if embeddings.cosine >= Self.smallestSimilarity {
      self = .ziya
    } else if embeddings.ratio <= Self.largestDifference {
      let grows = rows.delta > rows.base
      self =
        hasVision
        ? .submatrix
        : type == .f32 ? (grows ? .meanPad : .addF32) : (grows ? .zeroPad : .add)
    } else {
      return nil
    }
  }
}
