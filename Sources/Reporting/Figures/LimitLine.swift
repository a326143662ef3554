import Presentation
import Verification

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
