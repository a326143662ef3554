import Tensors

/// Two models' predictions at one position of a text, compared while the logits stream by.
///
/// Logits come in tiles of the vocabulary; nothing but these sums is kept. With reference logits
/// *l*, candidate logits *m* and *Z* the sums of their exponentials,
/// KL(P‖Q) = Σ p (l − m) − ln Z_l + ln Z_m.
struct PositionComparison: Sendable {
  /// One model's running sums.
  private struct Side: Sendable {
    var top = TopFive()
    var largest = -Double.infinity
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
  private var count = 0.0
  /// Σl, Σl², Σ(m − l) and Σ(m − l)², logits taken from the first one, so that nothing cancels.
  private var origin: (reference: Double, difference: Double)?
  private var sums = (logit: 0.0, square: 0.0, difference: 0.0, differenceSquare: 0.0)

  init(target: Int?) { self.target = target }

  /// Takes the logits of some tokens, in ascending order of ids.
  ///
  /// - Parameters:
  ///   - first: The id of the first of them.
  ///   - logits: The reference's logits.
  ///   - others: The candidate's, as many.
  mutating func add(first: Int, reference logits: [Double], candidate others: [Double]) {
    let scale = Self.raise(&reference, to: logits, first: first)
    weightedDifference *= scale
    _ = Self.raise(&candidate, to: others, first: first)
    for (logit, other) in zip(logits, others) {
      let weight = Elementary.exponential(logit - reference.largest)
      reference.sum += weight
      weightedDifference += weight * (logit - other)
      candidate.sum += Elementary.exponential(other - candidate.largest)
    }
    addMoments(logits, others)
    if let target, target >= first, target < first + logits.count {
      reference.target = logits[target - first]
      candidate.target = others[target - first]
    }
  }

  /// Finds the largest logits so far; sums that were relative to a smaller one shrink.
  ///
  /// - Returns: The factor by which they shrank.
  private static func raise(_ side: inout Side, to logits: [Double], first: Int) -> Double {
    let before = side.largest
    for (place, logit) in logits.enumerated() {
      if !logit.isFinite { side.isBroken = true }
      side.top.add(first + place, logit)
    }
    side.largest = side.top.logits[0]
    guard before.isFinite else { return 0 }
    let scale = Elementary.exponential(before - side.largest)
    side.sum *= scale
    return scale
  }

  private mutating func addMoments(_ logits: [Double], _ others: [Double]) {
    guard let first = logits.first, let other = others.first else { return }
    let origin = origin ?? (first, other - first)
    self.origin = origin
    for (logit, other) in zip(logits, others) {
      let difference = other - logit - origin.difference
      sums.logit += logit - origin.reference
      sums.square += (logit - origin.reference) * (logit - origin.reference)
      sums.difference += difference
      sums.differenceSquare += difference * difference
    }
    count += Double(logits.count)
  }

  /// Which side predicts values that are infinite or not numbers, if one does.
  var brokenSide: BrokenSide? {
    reference.isBroken ? .reference : candidate.isBroken ? .candidate : nil
  }

  enum BrokenSide {
    case reference
    case candidate
  }

  /// What was found, when all logits were seen; rounding cannot make a divergence negative.
  var result: PositionResult {
    let divergence =
      weightedDifference / reference.sum - reference.logPartition + candidate.logPartition
    return PositionResult(
      divergence: max(divergence, 0),
      target: target.map { _ in
        PositionResult.Target(
          reference: reference.target - reference.logPartition,
          candidate: candidate.target - candidate.logPartition)
      },
      referenceTop: reference.top.relative(to: reference.logPartition),
      candidateTop: candidate.top.relative(to: candidate.logPartition),
      logitError: max(sums.differenceSquare - sums.difference * sums.difference / count, 0),
      logitSize: max(sums.square - sums.logit * sums.logit / count, 0))
  }
}
