import Synchronization
import WeightmillLLaMA
import WeightmillTensors

/// Two models' predictions at the positions of a text.
///
/// With reference logits *l*, candidate logits *m* and *Z* the sums of their exponentials,
/// KL(P‖Q) = Σ p (l − m) − ln Z_l + ln Z_m. All sums are in binary64, in the order of ids.
enum PositionComparison {
  /// A side whose predictions are infinite or not numbers.
  enum BrokenSide: Error {
    case reference
    case candidate
  }

  /// The logits of tokens that only one side predicts.
  struct Rest: Sendable {
    let side: BrokenSide
    let logits: Activations
  }

  /// Compares logits.
  ///
  /// - Parameters:
  ///   - logits: The reference's logits (or log probabilities), for each position one for each id.
  ///   - others: The candidate's, as many.
  ///   - rest: The logits of the tokens that only one side predicts.
  ///   - targets: For each position the token that the text has next, if there is one.
  ///   - workers: The threads.
  ///   - broken: Makes the error for a side whose logits at a position are not finite.
  /// - Returns: What was found at each position; rounding cannot make a divergence negative.
  /// - Throws: What `broken` makes.
  static func compare(
    reference logits: Activations, candidate others: Activations, rest: Rest? = nil,
    targets: [Int?], workers: Workers, broken: @Sendable (BrokenSide, Int) -> WeightmillError
  ) throws(WeightmillError) -> [PositionResult] {
    precondition(targets.count == logits.rows)
    let panels = logits.panels
    let results = Mutex([PositionResult?](repeating: nil, count: targets.count))
    try workers.forEach(panels.count, scratch: {}) { (panel, _) throws(WeightmillError) in
      let found = logits.comparisons(panel: panel, candidate: others)
      for (position, comparison) in zip(panels[panel], found) {
        if comparison.reference.isBroken { throw broken(.reference, position) }
        if comparison.candidate.isBroken { throw broken(.candidate, position) }
        let target = targets[position].map {
          (reference: logits[position, $0], candidate: others[position, $0])
        }
        var result = PositionResult(comparison, targetLogits: target)
        if let rest {
          let side = rest.side == .candidate ? comparison.candidate : comparison.reference
          guard let probability = SharedRows.probability(side, rest: rest.logits[position]) else {
            throw broken(rest.side, position)
          }
          result.restProbability = probability
        }
        results.withLock { $0[position] = result }
      }
    }
    return results.withLock { $0.compactMap { $0 } }
  }
}

extension PositionResult {
  /// Makes figures of sums.
  ///
  /// - Parameters:
  ///   - sums: The sums.
  ///   - targetLogits: The logits of the token that the text has next.
  init(_ sums: LogitComparison, targetLogits: (reference: Double, candidate: Double)?) {
    let (partition, other) = (sums.reference.logPartition, sums.candidate.logPartition)
    self.init(
      divergence: sums.divergence,
      target: targetLogits.map {
        Target(reference: $0.reference - partition, candidate: $0.candidate - other)
      },
      referenceTop: TopFive(sums.reference, logPartition: partition),
      candidateTop: TopFive(sums.candidate, logPartition: other), logitError: sums.error,
      logitSize: sums.size)
  }
}
