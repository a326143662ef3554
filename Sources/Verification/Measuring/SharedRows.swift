import WeightmillLLaMA
import WeightmillTensors

/// The tokens that both sides of a comparison predict: the rows of their output matrices may be padded
/// to different heights.
struct SharedRows: Sendable {
  /// The rows of the candidate.
  let candidate: Int
  /// The rows of the reference.
  let reference: Int

  /// Fewer rows than this may be padding: programs pad to multiples of at most 128 × 8.
  private static let padding = 1024

  /// The number of rows that both have.
  var count: Int { min(candidate, reference) }
  /// The rows that only one side has.
  var rest: Range<Int> { count..<max(candidate, reference) }

  /// Checks that the heights of two vocabularies differ by padding at most.
  ///
  /// - Parameters:
  ///   - candidate: The rows of the candidate.
  ///   - reference: Those of the reference.
  ///   - location: The candidate, for messages.
  /// - Throws: `mismatch` when they are farther apart.
  init(candidate: Int, reference: Int, location: String) throws(WeightmillError) {
    self.candidate = candidate
    self.reference = reference
    guard rest.count < Self.padding else {
      throw WeightmillError(
        .mismatch, location, "predicts \(candidate) tokens, the reference \(reference)",
        remedy: "compare a model with the one it was made from")
    }
  }

  /// Checks that texts have no token that only one side knows.
  ///
  /// - Parameters:
  ///   - texts: The texts.
  ///   - location: The candidate, for messages.
  /// - Throws: `mismatch`, naming the first such token.
  func check(_ texts: [EvaluationText], location: String) throws(WeightmillError) {
    guard !rest.isEmpty else { return }
    for text in texts {
      for window in text.windows {
        guard let token = window.tokens.first(where: { $0 >= count }) else { continue }
        throw WeightmillError(
          .mismatch, location,
          "predicts \(candidate) tokens, the reference \(reference), and the text \(quoted(text.name)) "
            + "has token \(token), which only one of them knows",
          remedy: "give a text without it")
      }
    }
  }

  /// The probability that a side gives to the rows of its own.
  ///
  /// - Parameters:
  ///   - sums: The logits of the rows that both have.
  ///   - rest: Its logits of the others.
  /// - Returns: The probability, 0 to 1; `nil` when a logit is infinite or not a number.
  static func probability(_ sums: LogitComparison.Side, rest: [Double]) -> Double? {
    guard rest.allSatisfy(\.isFinite) else { return nil }
    let largest = rest.reduce(sums.logits[0]) { max($0, $1) }
    let own = rest.reduce(0) { $0 + Elementary.exponential($1 - largest) }
    return own / (own + sums.sum * Elementary.exponential(sums.logits[0] - largest))
  }
}
