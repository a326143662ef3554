import WeightmillLLaMA
import WeightmillTensors

/// The evidence in the values of a base and a delta on whether they belong together.
struct MergeEvidence: Sendable {
  private let base: LlamaModel
  private let delta: LlamaModel
  private let gains: (base: NormGains, delta: NormGains)
  private let embeddings: RowComparison
  private let sample: WeightSample
  private let rowOrder: RowOrderEvidence
  /// Whether the delta's last rows are in the base, too.
  private let lastRowsAreSame: Bool
  /// The family, as far as embeddings tell it.
  let recognised: DeltaKind?

  /// The share of rows of the embeddings that only a merged model has in common with its delta.
  private static let mergedShare = 0.9

  /// Looks at both sides, whose shapes fit.
  ///
  /// - Parameters:
  ///   - base: The base.
  ///   - delta: The delta.
  ///   - hasVision: Whether the delta came with tensors of a vision part.
  /// - Throws: Reading errors.
  init(base: LlamaModel, delta: LlamaModel, hasVision: Bool) throws(WeightmillError) {
    self.base = base
    self.delta = delta
    gains = (try NormGains(base), try NormGains(delta))
    embeddings = try RowComparison(.tokenEmbedding, base, delta)
    sample = try WeightSample(base: base, delta: delta)
    rowOrder = try RowOrderEvidence(base: base, delta: delta)
    lastRowsAreSame = try Self.lastRowsAreSame(base, delta)
    recognised = DeltaKind(
      embeddings: embeddings,
      rows: (base.configuration.vocabularyRows, delta.configuration.vocabularyRows),
      type: delta.tensor(.tokenEmbedding)?.type ?? .f16, hasVision: hasVision)
  }

  /// Rows that an additive delta brought are the delta's own once it has been merged.
  private static func lastRowsAreSame(
    _ base: LlamaModel, _ delta: LlamaModel
  ) throws(WeightmillError) -> Bool {
    let last = base.configuration.vocabularyRows - 1
    guard delta.configuration.vocabularyRows - 1 == last else { return false }
    for role in [TensorRole.tokenEmbedding, .output] {
      let ours = try RowSample.values(role, base, row: last)
      let theirs = try RowSample.values(role, delta, row: last)
      guard ours == theirs, ours.contains(where: { $0 != 0 }) else { return false }
    }
    return true
  }

  /// The clear evidence against the merge, the plainest first.
  ///
  /// - Parameter kind: The delta's family.
  /// - Returns: Errors to throw.
  func contradictions(_ kind: DeltaKind) -> [WeightmillError] {
    var found: [WeightmillError] = []
    func add(_ model: LlamaModel, _ problem: String, _ remedy: String) {
      found.append(
        WeightmillError(
          .mismatch, model.catalogue.location, problem,
          remedy: HelpTopic.wrongBase.after(
            remedy + ", or merge all the same with --force-base")))
    }
    // Gains that are stored less one are as small as those of a delta.
    if base.gainOffset == 0, ModelNature(gains.base) == .delta {
      add(
        base, "holds delta weights, not a whole model: its norms are those of differences",
        "give the original model as the base")
    }
    if delta.gainOffset == 0, ModelNature(gains.delta) == .whole {
      add(
        delta, "holds a whole model, not a delta: its norms are those of a whole model",
        "convert it by itself, without --delta")
    }
    if let (problem, remedy) = embeddingProblem(kind) { add(delta, problem, remedy) }
    if isMerged(kind) {
      add(
        base, "holds the delta already: it has been merged",
        "convert it by itself, or give the original model as the base")
    }
    if let rounding = rounding(kind), rounding.verdict == .stranger {
      add(
        base,
        "is another model than the delta was made for: \(percent(rounding.rounded)) of the sums "
          + "are rounded, as many as with any other base (\(percent(rounding.control)))",
        "use the base the delta was made for (LLaMA 1, not Llama 2)")
    }
    if let rounding = rounding(kind), rounding.verdict == .right,
      let order = rowOrder.problem(kind)
    {
      add(order.isDeltas ? delta : base, order.problem, order.remedy)
    }
    return found
  }

  /// Embeddings that are not what the family's are, and what to do about it.
  private func embeddingProblem(_ kind: DeltaKind) -> (problem: String, remedy: String)? {
    guard kind == .ziya, embeddings.cosine < DeltaKind.smallestSimilarity else { return nil }
    let cosine = "mean cosine \(rounded(embeddings.cosine))"
    let size = "relative size \(rounded(embeddings.ratio))"
    guard embeddings.ratio > DeltaKind.largestDifference else {
      return (
        "has embeddings that are differences (\(cosine), \(size)), not whole ones as Ziya's",
        "leave out --delta-kind"
      )
    }
    return (
      "has embeddings that neither resemble the base's (\(cosine)) nor are small beside them "
        + "(\(size))",
      "use the base the delta was made for (Ziya-LLaMA-13B: LLaMA 1, 13B, not Llama 2)"
    )
  }

  private func isMerged(_ kind: DeltaKind) -> Bool {
    if rounding(kind)?.verdict == .merged { return true }
    return switch kind {
    case .ziya:
      base.configuration.vocabularyRows == delta.configuration.vocabularyRows
        && embeddings.sameShare >= Self.mergedShare
    default: lastRowsAreSame
    }
  }

  /// Differences that were rounded to bfloat16 lie on a grid of their own.
  private func rounding(_ kind: DeltaKind) -> RoundingEvidence? {
    delta.tensor(.layer(0, .attentionOutput))?.type == .bf16 ? nil : RoundingEvidence(sample, kind)
  }

  /// The family and how it was found, the figures, and what the base has lost.
  ///
  /// - Parameters:
  ///   - kind: The delta's family.
  ///   - isForced: Whether the user said so.
  /// - Returns: Lines for the user.
  func notes(_ kind: DeltaKind, isForced: Bool) -> [String] {
    var figures = [
      "gains of norms \(rounded(gains.base.size)) in the base, \(rounded(gains.delta.size)) in "
        + "the delta"
    ]
    switch rounding(kind) {
    case let rounding? where rounding.verdict == .right:
      figures.append(
        "\(percent(rounding.rounded)) of sums rounded (another base: \(percent(rounding.control)))")
    case let rounding? where rounding.verdict == .relative:
      figures.append(
        "\(percent(rounding.rounded)) of sums rounded, as many as of differences: the base is not "
          + "quite the one the delta was made for, but a model made from it")
    default: break
    }
    return [
      "delta kind \(kind.rawValue)\(isForced ? ", as asked" : ""): \(embeddingNote)",
      "evidence: " + figures.joined(separator: "; "),
    ] + BFloat16Trace(base, delta, shortShare: sample.shortShare).notes
  }

  private var embeddingNote: String {
    let more = delta.configuration.vocabularyRows - base.configuration.vocabularyRows
    let type = delta.tensor(.tokenEmbedding)?.type.name ?? ""
    let cosine = "mean cosine \(rounded(embeddings.cosine))"
    guard embeddings.cosine < DeltaKind.smallestSimilarity else {
      return "its embeddings are whole and resemble the base's (\(cosine))"
    }
    guard embeddings.ratio <= DeltaKind.largestDifference else {
      return "its embeddings are whole, but another model's (\(cosine))"
    }
    let rows =
      more == 0 ? "as many rows as" : more == 1 ? "a row more than" : "\(more) rows more than"
    return "its embeddings are differences in \(type) (relative size "
      + "\(rounded(embeddings.ratio))), with \(rows) the base's"
  }
}

/// A figure for people: three decimals.
private func rounded(_ value: Double) -> String {
  let rounded = (value * 1000).rounded() / 1000
  return rounded == 0 && value != 0 ? "under 0.001" : "\(rounded)"
}

/// A share for people: whole percent.
func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
