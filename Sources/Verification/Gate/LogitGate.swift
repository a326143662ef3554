import WeightmillPresentation
package import WeightmillTensors

/// Limits that a comparison must keep.
public struct LogitGate: Sendable {
  /// The largest mean KL divergence allowed, in nats.
  public var maximumDivergence: Double?
  /// The largest 99th percentile of KL divergence allowed, in nats.
  public var maximumDivergenceP99: Double?
  /// The smallest share of same top tokens allowed, 0 to 1.
  public var minimumSameTop: Double?
  /// The largest ratio of perplexities allowed.
  public var maximumPerplexityRatio: Double?
  /// The largest normalized mean square error of the logits allowed.
  public var maximumSquareError: Double?
  /// Whether both tokenizers must give the same tokens.
  public var requiresSameTokens = false
  /// An earlier report, and by which share figures may be worse than its.
  package var baseline: (report: VerificationReport, maximumRegression: Double)?

  /// Makes a gate without limits.
  public init() {}

  /// Whether any limit is set.
  package var isOpen: Bool {
    maximumDivergence == nil && maximumDivergenceP99 == nil && minimumSameTop == nil
      && maximumPerplexityRatio == nil && maximumSquareError == nil && !requiresSameTokens
      && baseline == nil
  }

  /// Compares a report with the limits that are set, and writes the outcomes into it. An error in the
  /// candidate's file breaks a limit that is always set.
  ///
  /// - Parameter report: What was measured.
  /// - Throws: `mismatch` when the earlier report was measured on other texts, or tokenizers shall
  ///   agree but one side has none.
  package func judge(_ report: inout VerificationReport) throws(WeightmillError) {
    var outcomes = absolute(report.total)
    let errors = report.findings.filter { $0.severity == .error }
    if let first = errors.first {
      outcomes.append(
        LimitOutcome(
          limit: LimitOutcome.fileErrors, measured: Double(errors.count), allowed: 0, passed: false,
          origin: first.message))
    }
    if requiresSameTokens {
      guard let tokenizers = report.tokenizers else {
        throw WeightmillError(
          .mismatch, report.candidate.name,
          "cannot be checked for the same tokens: "
            + "there is no text, or a side has no tokenizer",
          remedy: "give --text, or leave out --same-tokens")
      }
      outcomes.append(
        LimitOutcome(
          limit: LimitOutcome.sameTokens, measured: tokenizers.agree ? 0 : 1, allowed: 0,
          passed: tokenizers.agree, origin: tokenizers.difference))
    }
    if let baseline {
      outcomes += try Regression(baseline.report, allowed: baseline.maximumRegression)
        .judge(report)
    }
    let origin = report.largestCause
    report.limits = outcomes.map { outcome in
      var outcome = outcome
      if !outcome.passed, outcome.origin == nil { outcome.origin = origin }
      return outcome
    }
    report.passed = outcomes.allSatisfy(\.passed)
  }

  private func absolute(_ statistics: LogitStatistics) -> [LimitOutcome] {
    let most: [(String, Double, Double?)] = [
      ("max-kld", statistics.divergence.mean, maximumDivergence),
      ("max-kld-p99", statistics.divergence.p99, maximumDivergenceP99),
      ("max-ppl-ratio", statistics.perplexity.ratio, maximumPerplexityRatio),
      ("max-nmse", statistics.normalizedSquareError, maximumSquareError),
    ]
    var outcomes = most.compactMap { name, measured, allowed in
      allowed.map {
        LimitOutcome(limit: name, measured: measured, allowed: $0, passed: measured <= $0)
      }
    }
    if let minimumSameTop {
      outcomes.append(
        LimitOutcome(
          limit: "min-top1", measured: statistics.sameTop, allowed: minimumSameTop,
          passed: statistics.sameTop >= minimumSameTop))
    }
    return outcomes
  }
}

extension VerificationReport {
  /// The tensor or group that most of the divergence comes from, in words.
  var largestCause: String? {
    if let first = attribution.first, first.share > 0 {
      return
        "\(first.name) (\(first.types)): \(Text.fixed(first.share * 100, 0)) % of the divergence"
    }
    guard let tensor = tensors.max(by: { $0.relativeError < $1.relativeError }),
      tensor.relativeError > 0
    else { return nil }
    return "largest error: \(tensor.name) (\(tensor.type)), "
      + "\(Text.percent(tensor.relativeError)) of its output"
  }
}
