public import WeightmillLLaMA
public import WeightmillModels

/// A request for a verification: a model, what it is judged by, the tokens, and what else to do.
///
/// ```swift
/// var request = VerificationRequest(
///   candidate: ModelRequest("build/mini-ziya-q4_0.gguf"),
///   reference: ModelRequest("fixtures/mini-ziya/base-meta", delta: "fixtures/mini-ziya/delta"),
///   evaluation: EvaluationInput([.text("深度学习是机器学习的一个分支。", name: "a sentence")]))
/// request.gate.maximumDivergence = 0.05
/// let judged = try VerificationRun(request).report(workers: workers)
/// ```
public struct VerificationRequest: Sendable {
  /// The attribution of the divergence to tensors.
  public struct Attribution: Sendable {
    /// The way tensors are taken together.
    public var grouping: TensorGrouping
    /// The largest number of tokens it is measured on, at least 2.
    public var tokens: Int

    /// Asks for an attribution.
    ///
    /// - Parameters:
    ///   - grouping: Which tensors are taken together.
    ///   - tokens: How many tokens it is measured on at most, at least 2.
    public init(grouping: TensorGrouping = .tensor, tokens: Int = 512) {
      self.grouping = grouping
      self.tokens = tokens
    }
  }

  /// A file that figures or logits are saved to.
  public struct SavedOutput: Sendable {
    /// The file.
    public var path: String
    /// Whether a file of that name may be replaced.
    public var overwrite: Bool

    /// Names a file.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - overwrite: Whether a file of that name may be replaced.
    public init(_ path: String, overwrite: Bool = false) {
      self.path = path
      self.overwrite = overwrite
    }
  }

  /// The model to be judged.
  public var candidate: ModelRequest
  /// A model, or a file of saved logits; `nil` judges the candidate by itself, to save its logits.
  public var reference: ModelRequest?
  /// The texts; saved logits bring their own.
  public var evaluation: EvaluationInput
  /// The limits.
  public var gate = LogitGate()
  /// The numbers to compute with.
  public var precision = Precision.single
  /// The attribution of the divergence to tensors; `nil` leaves it out.
  public var attribution: Attribution?
  /// The file that the reference's logits are saved to; `nil` saves none.
  public var savedLogits: SavedOutput?
  /// The file that the divergence at every position is saved to, as JSON (`formats/saved-positions.md`);
  /// `nil` saves none.
  public var savedPositions: SavedOutput?
  /// Files that are read besides, such as the gate's baseline: no output may replace one of them.
  package var otherInputs: [String] = []

  /// Describes a verification without limits.
  ///
  /// - Parameters:
  ///   - candidate: The model to be judged.
  ///   - reference: A model, or a file of saved logits.
  ///   - evaluation: The texts.
  public init(
    candidate: ModelRequest, reference: ModelRequest?, evaluation: EvaluationInput = .init()
  ) {
    self.candidate = candidate
    self.reference = reference
    self.evaluation = evaluation
  }
}
