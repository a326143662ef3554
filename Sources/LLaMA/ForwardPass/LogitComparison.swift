import CWeightmillKernels
package import WeightmillTensors

/// The comparison of a reference's logits *l* with a candidate's logits *m* at one position.
package struct LogitComparison: Sendable {
  /// One model's side.
  package struct Side: Sendable {
    /// The ids of the largest logits, the largest first; of equal ones the lower. -1 where there are
    /// fewer than five.
    package let ids: InlineArray<5, Int32>
    /// These logits; -infinity where there are fewer.
    package let logits: InlineArray<5, Double>
    /// Σ exp(logit − the largest).
    package let sum: Double
    /// Whether a logit is infinite or not a number.
    package let isBroken: Bool

    /// ln Z, with Z the sum of all logits' exponentials.
    package var logPartition: Double { logits[0] + Elementary.logarithm(sum) }
  }

  package let reference: Side
  package let candidate: Side
  /// Σ exp(l − the largest l) (l − m).
  package let weightedDifference: Double
  /// Σ(m − l)², each side less its mean.
  package let error: Double
  /// Σl², less the mean.
  package let size: Double

  /// KL(P‖Q) = Σ p (l − m) − ln Z_l + ln Z_m in nats; rounding cannot make it negative.
  package var divergence: Double {
    max(weightedDifference / reference.sum - reference.logPartition + candidate.logPartition, 0)
  }

  fileprivate init(_ found: weightmill_comparison) {
    reference = Side(
      ids: Self.five(found.ids.0), logits: Self.five(found.top.0), sum: found.sums.0,
      isBroken: found.is_broken.0 != 0)
    candidate = Side(
      ids: Self.five(found.ids.1), logits: Self.five(found.top.1), sum: found.sums.1,
      isBroken: found.is_broken.1 != 0)
    weightedDifference = found.weighted
    error = found.error
    size = found.size
  }

  private static func five<Number>(
    _ numbers: (Number, Number, Number, Number, Number)
  ) -> InlineArray<5, Number> {
    [numbers.0, numbers.1, numbers.2, numbers.3, numbers.4]
  }
}

extension Activations {
  /// Compares the logits of the positions of a panel; these are the reference's.
  ///
  /// All sums are binary64, and each position adds its logits in the order of ids.
  ///
  /// - Parameters:
  ///   - panel: Sixteen positions, `panels[panel]`.
  ///   - candidate: As many logits of as many positions in the same precision.
  /// - Returns: One comparison for each position.
  package func comparisons(panel: Int, candidate: Activations) -> [LogitComparison] {
    precondition(rows == candidate.rows && columns == candidate.columns)
    precondition(precision == candidate.precision && panels.indices.contains(panel))
    var found = [weightmill_comparison](repeating: weightmill_comparison(), count: Kernels.tokens)
    unsafe weightmill_compare(
      Kernels(precision).mode, address(panel: panel), candidate.address(panel: panel), columns,
      &found)
    return found.prefix(panels[panel].count).map { LogitComparison($0) }
  }

  /// The vectors that lie side by side.
  package var panels: [Range<Int>] {
    (0..<panelCount).map {
      $0 * Kernels.tokens..<$0 * Kernels.tokens + lanes(panel: $0)
    }
  }

  /// Copies vectors.
  ///
  /// - Parameters:
  ///   - rows: How many vectors.
  ///   - columns: The length of each.
  ///   - precision: The numbers to keep them as.
  ///   - vector: Gives the vector of a number.
  /// - Throws: What `vector` throws.
  package init(
    rows: Int, columns: Int, precision: Precision,
    vector: (Int) throws(WeightmillError) -> [Double]
  ) throws(WeightmillError) {
    self.init(rows: rows, columns: columns, precision: precision)
    for row in 0..<rows {
      let values = try vector(row)
      precondition(values.count == columns)
      for (column, value) in values.enumerated() { set(value, row: row, column: column) }
    }
  }
}
