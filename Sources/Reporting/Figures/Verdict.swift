import WeightmillPresentation
import WeightmillVerification

/// The judgement on the candidate, as both report pages head their text with it.
struct Verdict {
  /// The way in which a comparison ended.
  enum Outcome: String {
    case passed, failed, measured, interrupted
  }

  let outcome: Outcome
  /// The verdict in one or two words.
  let title: String
  /// The number of limits that were kept, in words.
  let detail: String

  init(_ report: VerificationReport) {
    let count = report.limits.count
    let broken = report.limits.count { !$0.passed }
    if broken > 0 || !report.passed {
      (outcome, title) = (.failed, "Failed")
      detail =
        broken == 0
        ? "the comparison did not pass"
        : "\(broken) of \(Shown.count(count, "limit")) \(broken == 1 ? "is" : "are") broken"
    } else if count == 0, report.isPartial {
      (outcome, title, detail) = (.interrupted, "Interrupted", "no limit was judged")
    } else if count == 0 {
      (outcome, title, detail) = (.measured, "Measured", "no limits were set")
    } else {
      (outcome, title) = (.passed, "Passed")
      detail = count == 1 ? "the limit is kept" : "all \(count) limits are kept"
    }
  }

  /// A sign beside the title, so that it is not by colour alone that the outcomes differ.
  var sign: String {
    switch outcome {
    case .passed: "✓"
    case .failed: "✗"
    case .measured: "•"
    case .interrupted: "⚠"
    }
  }

  /// The first sentence of a partial report.
  static let partial =
    "The run was interrupted: the figures are of the text that was read until then."
}

/// One limit in words, as both report pages show it.
struct LimitLine {
  /// The option: `--max-kld`.
  let name: String
  let measured: String
  /// `at most 0.02`, `at least 0.95`.
  let allowed: String
  /// The share of what is allowed that was used; above 1 the limit is broken. `nil` if that says
  /// nothing.
  let used: Double?
  let passed: Bool
  let origin: String?

  init(_ outcome: LimitOutcome) {
    let isLowest = outcome.limit.hasPrefix("min-")
    name = Self.name(outcome.limit)
    passed = outcome.passed
    origin = outcome.origin.map { Shown.message($0, limit: 200) }
    if outcome.limit == LimitOutcome.sameTokens {
      measured = outcome.passed ? "the same" : "others"
      allowed = "the same"
      used = nil
    } else {
      let (measured, allowed) = Shown.distinct(outcome.measured, outcome.allowed)
      self.measured = measured
      self.allowed = "\(isLowest ? "at least" : "at most") \(allowed)"
      used = Self.used(outcome, isLowest: isLowest)
    }
  }

  /// The option; after a colon comes the figure it is about: `--max-regression (kld)`.
  private static func name(_ limit: String) -> String {
    if limit == LimitOutcome.fileErrors { return "errors in the file" }
    let parts = limit.split(separator: ":", maxSplits: 1).map { Shown.name(String($0), limit: 60) }
    guard parts.count == 2 else { return "--" + Shown.name(limit, limit: 60) }
    return "--\(parts[0]) (\(parts[1]))"
  }

  /// A share of what is allowed, as it is shown.
  static func percent(_ used: Double) -> String {
    used > 99.99 ? "> 9999 %" : "\(Text.fixed(used * 100, 1)) %"
  }

  /// A ratio is best at 1, a share of agreement too; all else at 0.
  private static func used(_ outcome: LimitOutcome, isLowest: Bool) -> Double? {
    let best: Double = isLowest || outcome.limit.contains("ratio") ? 1 : 0
    let room = isLowest ? best - outcome.allowed : outcome.allowed - best
    let taken = isLowest ? best - outcome.measured : outcome.measured - best
    guard room > 0, taken.isFinite, room.isFinite else { return nil }
    return max(taken, 0) / room
  }
}
