import Tensors

/// Two models' predictions at one position of a text, compared while the logits stream by.
///
/// Logits come in tiles of the vocabulary; nothing but these sums is kept. With reference logits
/// *l*, candidate logits *m* and *Z* the sums of their exponentials,
/// KL(P‖Q) = Σ p (l − m) − ln Z_l + ln Z_m.
struct PositionComparison: Sendable {
  /// One model's running sums.
  private struct Side: Sendable {
    var largest = -Double.infinity
    var best = 0
    /// Σ exp(logit − largest).
    var sum = 0.0
    var target = 0.0
    /// Whether a logit was infinite or not a number.
    var isBroken = false

    var logPartition: Double { largest + Elementary.logarithm(sum) }
  }

  /// The token that the text has next, if there is one.
  let target: Int?
  private var reference = Side()
  private var candidate = Side()
  /// Σ exp(l − largest l) (l − m).
  private var weightedDifference = 0.0

  init(target: Int?) { self.target = target }

  /// Takes the logits of some tokens.
  ///
  /// - Parameters:
  ///   - first: The id of the first of them.
  ///   - logits: The reference's logits.
  ///   - others: The candidate's, as many.
  mutating func add(
    first: Int, reference logits: [Double], candidate others: [Double]
  ) {
    let scale = Self.raise(&reference, to: logits, first: first)
    weightedDifference *= scale
    _ = Self.raise(&candidate, to: others, first: first)
    for (logit, other) in zip(logits, others) {
      if !logit.isFinite { reference.isBroken = true }
      if !other.isFinite { candidate.isBroken = true }
      let weight = Elementary.exponential(Double(logit) - reference.largest)
      reference.sum += weight
      weightedDifference += weight * (Double(logit) - Double(other))
      candidate.sum += Elementary.exponential(Double(other) - candidate.largest)
    }
    if let target, target >= first, target < first + logits.count {
      reference.target = Double(logits[logits.startIndex + target - first])
      candidate.target = Double(others[others.startIndex + target - first])
    }
  }

  /// Finds the largest logit so far; sums that were relative to a smaller one shrink.
  ///
  /// - Returns: The factor by which they shrank.
  private static func raise(_ side: inout Side, to logits: [Double], first: Int) -> Double
  {
    let before = side.largest
    for (place, logit) in logits.enumerated() where Double(logit) > side.largest {
      side.largest = Double(logit)
      side.best = first + place
    }
    guard before.isFinite else { return 0 }
    let scale = Elementary.exponential(before - side.largest)
    side.sum *= scale
    return scale
  }

  /// KL(reference‖candidate) in nats; rounding cannot make it negative.
  var divergence: Double {
    let value =
      weightedDifference / reference.sum - reference.logPartition + candidate.logPartition
    return value < 0 ? 0 : value
  }

  /// Which side predicts values that are infinite or not numbers, if one does.
  var brokenSide: BrokenSide? {
    reference.isBroken ? .reference : candidate.isBroken ? .candidate : nil
  }

  enum BrokenSide {
    case reference
    case candidate
  }

  /// Whether both models think the same token the most likely.
  var hasSameTop: Bool { reference.best == candidate.best }

  /// The log probabilities of the token that follows, reference and candidate.
  var targetLogProbabilities: (reference: Double, candidate: Double)? {
    guard target != nil else { return nil }
    return (
      reference.target - reference.logPartition, candidate.target - candidate.logPartition
    )
  }
}
