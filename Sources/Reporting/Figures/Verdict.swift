import Verification

/// The judgement on the candidate, as both report pages head their text with it.
struct Verdict {
  /// The way in which a comparison ended.
  enum Outcome: String {
    case passed, failed, measured, interrupted
  }

  let outcome: Outcome
  /// The verdict in one or two words.
  let title: String
  /// How many limits were kept.
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
