/// The differences of two checkpoints, tensor by tensor.
public struct CheckpointDifference: Encodable, Sendable {
  /// The tensors: A's in their order, then those that only B has.
  public let tensors: [TensorDifference]
  /// Figures of all values that could be compared.
  public let total: TensorDifference.Figures

  init(_ tensors: [TensorDifference], _ total: DifferenceSums) {
    self.tensors = tensors
    self.total = TensorDifference.Figures(total)
  }

  /// The number of tensors with a verdict.
  ///
  /// - Parameter verdict: The verdict.
  /// - Returns: The number of tensors.
  public func count(_ verdict: TensorDifference.Verdict) -> Int {
    tensors.count { $0.verdict == verdict }
  }

  /// The tensors that do not keep limits, in order.
  ///
  /// - Parameter limits: The limits.
  /// - Returns: The tensors.
  public func beyond(_ limits: DifferenceLimits) -> [TensorDifference] {
    tensors.filter { !limits.admit($0) }
  }

  /// The tensors whose values differ most, by the root mean square over that of A's values.
  ///
  /// - Parameter count: How many at most.
  /// - Returns: The tensors, the worst first; those alike in their order.
  public func worst(_ count: Int) -> [TensorDifference] {
    let different = tensors.enumerated().filter { $0.element.verdict == .different }
    return different.sorted { left, right in
      let (first, second) = (Self.rank(left.element), Self.rank(right.element))
      return first == second ? left.offset < right.offset : first > second
    }.prefix(count).map(\.element)
  }

  /// The figure that tensors are ranked by; a figure that is no number comes first.
  private static func rank(_ difference: TensorDifference) -> Double {
    guard let figures = difference.figures, figures.unmatched == 0, !figures.relativeRMS.isNaN
    else { return .infinity }
    return figures.relativeRMS
  }
}

/// Limits within which two tensors are taken for the same.
///
/// Without a limit every value must be the same. A tensor that is missing or of another shape, and a
/// value that is not finite where the other side's is not the same, keep no limit.
public struct DifferenceLimits: Encodable, Equatable, Sendable {
  /// The largest difference that a pair of values may have.
  public var maximum: Double?
  /// The largest root mean square of a tensor's differences, as a share of that of A's values.
  public var relativeRMS: Double?

  /// Sets limits.
  ///
  /// - Parameters:
  ///   - maximum: The largest difference that a pair of values may have.
  ///   - relativeRMS: The largest share.
  package init(maximum: Double? = nil, relativeRMS: Double? = nil) {
    self.maximum = maximum
    self.relativeRMS = relativeRMS
  }

  /// Whether a tensor keeps the limits.
  ///
  /// - Parameter difference: The tensor.
  /// - Returns: Whether it does.
  package func admit(_ difference: TensorDifference) -> Bool {
    if difference.isSame { return true }
    // A figure that is no number is above any limit.
    guard maximum != nil || relativeRMS != nil, let figures = difference.figures,
      figures.unmatched == 0
    else { return false }
    return figures.maximum <= maximum ?? .infinity
      && figures.relativeRMS <= relativeRMS ?? .infinity
  }
}
