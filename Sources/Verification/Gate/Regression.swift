import WeightmillTensors

/// Figures beside those of an earlier report.
struct Regression {
  /// What rounding may change: differences below are no regression.
  private static let noise = (divergence: 1e-6, squareError: 1e-9)

  private let earlier: VerificationReport
  private let allowed: Double

  /// Prepares a comparison.
  ///
  /// - Parameters:
  ///   - earlier: The report to compare with.
  ///   - allowed: By which share figures may be worse.
  init(_ earlier: VerificationReport, allowed: Double) {
    self.earlier = earlier
    self.allowed = allowed
  }

  /// Compares what is better when small: divergences, the share of other top tokens, the error.
  func judge(_ report: VerificationReport) throws(WeightmillError) -> [LimitOutcome] {
    try requireSameTexts(report)
    let (old, new) = (earlier.total, report.total)
    let figures = [
      ("kld", new.divergence.mean, old.divergence.mean, Self.noise.divergence),
      ("kld-p99", new.divergence.p99, old.divergence.p99, Self.noise.divergence),
      ("other-top1", 1 - new.sameTop, 1 - old.sameTop, 1.5 / Double(old.positions)),
      (
        "nmse", new.normalizedSquareError, old.normalizedSquareError, Self.noise.squareError
      ),
    ]
    return figures.map { name, measured, before, noise in
      let most = before * (1 + allowed) + noise
      return LimitOutcome(
        limit: "max-regression:\(name)", measured: measured, allowed: most,
        passed: measured <= most)
    }
  }

  private func requireSameTexts(_ report: VerificationReport) throws(WeightmillError) {
    let problem =
      if earlier.isPartial {
        "is of a run that was interrupted"
      } else if earlier.texts.map(\.tokens) != report.texts.map(\.tokens) {
        "was measured on other texts: \(tokens(earlier)) tokens, not \(tokens(report))"
      } else if earlier.settings.context != report.settings.context
        || earlier.settings.isSecondHalf != report.settings.isSecondHalf
      {
        "was measured in other windows"
      } else {
        nil as String?
      }
    guard let problem else { return }
    throw WeightmillError(
      .mismatch, "the baseline", problem, remedy: "make a new one with --json")
  }

  private func tokens(_ report: VerificationReport) -> String {
    report.texts.map { "\($0.tokens)" }.joined(separator: " + ")
  }
}
