import Synchronization
import WeightmillLLaMA
import WeightmillTensors

/// Residual streams behind a model's last norm, with the model that makes logits of them.
struct FinalStream {
  let pass: ForwardPass
  let states: Activations
}

/// The mean divergences of predictions from a model's own.
struct LogitDivergence {
  /// How many logits of a model are held at once, at most.
  private static let heldLogits = 1 << 24

  /// The model's own stream.
  let reference: FinalStream
  let workers: Workers

  /// Measures streams of the same tokens, at all of them.
  ///
  /// - Parameter candidates: The streams.
  /// - Returns: For each the mean of KL(reference‖candidate) in nats.
  /// - Throws: `mismatch` where a model predicts no numbers; reading errors.
  func of(_ candidates: [FinalStream]) throws(WeightmillError) -> [Double] {
    let (count, rows) = (reference.states.rows, reference.pass.model.configuration.vocabularyRows)
    var sums = [Double](repeating: 0, count: candidates.count)
    let most = max(16, Self.heldLogits / max(1, rows) / 16 * 16)
    for first in stride(from: 0, to: count, by: most) {
      let positions = Array(first..<min(first + most, count))
      let own = try logits(reference, positions, rows)
      for (index, candidate) in candidates.enumerated() {
        let others = try logits(candidate, positions, rows)
        for divergence in try divergences(own, others) { sums[index] += divergence }
      }
    }
    return sums.map { $0 / Double(max(1, count)) }
  }

  private func logits(
    _ stream: FinalStream, _ positions: [Int], _ rows: Int
  ) throws(WeightmillError) -> Activations {
    try stream.pass.logits(rows: 0..<rows, of: stream.states.selecting(positions))
  }

  private func divergences(
    _ own: Activations, _ others: Activations
  ) throws(WeightmillError) -> [Double] {
    let panels = own.panels
    let found = Mutex([Double](repeating: 0, count: own.rows))
    try workers.forEach(panels.count, scratch: {}) { (panel, _) throws(WeightmillError) in
      for (position, comparison) in zip(
        panels[panel], own.comparisons(panel: panel, candidate: others))
      {
        guard !comparison.reference.isBroken, !comparison.candidate.isBroken else {
          throw WeightmillError(
            .mismatch, reference.pass.model.catalogue.location,
            "predicts values that are infinite or not numbers",
            remedy: "its weights are damaged: look for the notes when it was converted")
        }
        found.withLock { $0[position] = comparison.divergence }
      }
    }
    return found.withLock { $0 }
  }
}
