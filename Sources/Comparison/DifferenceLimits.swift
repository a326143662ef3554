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
  public init(maximum: Double? = nil, relativeRMS: Double? = nil) {
    self.maximum = maximum
    self.relativeRMS = relativeRMS
  }

  /// Whether a tensor keeps the limits.
  ///
  /// - Parameter difference: The tensor.
  /// - Returns: Whether it does.
  public func admit(_ difference: TensorDifference) -> Bool {
    if difference.isSame { return true }
    // A figure that is no number is above any limit.
    guard maximum != nil || relativeRMS != nil, let figures = difference.figures,
      figures.unmatched == 0
    else { return false }
    return figures.maximum <= maximum ?? .infinity
      && figures.relativeRMS <= relativeRMS ?? .infinity
  }
}
