import Tensors

/// Two models' predictions at one position of a text.
///
/// With reference logits *l*, candidate logits *m* and *Z* the sums of their exponentials,
/// KL(P‖Q) = Σ p (l − m) − ln Z_l + ln Z_m. All sums are in binary64, in the order of ids.
enum PositionComparison {
  /// A side whose predictions are infinite or not numbers.
  enum BrokenSide: Error {
    case reference
    case candidate
  }

  /// Compares logits.
  ///
  /// - Parameters:
  ///   - logits: The reference's logits (or log probabilities), one for each id.
  ///   - others: The candidate's, as many.
  ///   - target: The token that the text has next, if there is one.
  /// - Returns: What was found; rounding cannot make a divergence negative.
  /// - Throws: The side whose logits are not finite.
  static func compare(
    reference logits: [Double], candidate others: [Double], target: Int?
  ) throws(BrokenSide) -> PositionResult {
    guard let top = top(logits) else { throw .reference }
    guard let otherTop = self.top(others) else { throw .candidate }
    let (largest, otherLargest) = (top.logits[0], otherTop.logits[0])
    var (sum, otherSum, weighted) = (0.0, 0.0, 0.0)
    for (logit, other) in zip(logits, others) {
      let weight = Elementary.exponential(logit - largest)
      sum += weight
      weighted += weight * (logit - other)
      otherSum += Elementary.exponential(other - otherLargest)
    }
    let partition = largest + Elementary.logarithm(sum)
    let otherPartition = otherLargest + Elementary.logarithm(otherSum)
    let squares = squares(logits, others)
    return PositionResult(
      divergence: max(weighted / sum - partition + otherPartition, 0),
      target: target.map {
        .init(reference: logits[$0] - partition, candidate: others[$0] - otherPartition)
      },
      referenceTop: top.relative(to: partition),
      candidateTop: otherTop.relative(to: otherPartition),
      logitError: squares.error, logitSize: squares.size)
  }

  /// The largest logits, or `nil` when one is infinite or not a number.
  private static func top(_ logits: [Double]) -> TopFive? {
    var top = TopFive()
    for (id, logit) in logits.enumerated() {
      guard logit.isFinite else { return nil }
      top.add(id, logit)
    }
    return top
  }

  /// The squares of the difference and of the reference, each less its mean.
  private static func squares(
    _ logits: [Double], _ others: [Double]
  ) -> (error: Double, size: Double) {
    let count = Double(max(logits.count, 1))
    let mean = logits.reduce(0, +) / count
    let meanDifference = zip(logits, others).reduce(0) { $0 + ($1.1 - $1.0) } / count
    var (error, size) = (0.0, 0.0)
    for (logit, other) in zip(logits, others) {
      let difference = other - logit - meanDifference
      error += difference * difference
      size += (logit - mean) * (logit - mean)
    }
    return (error, size)
  }
}
