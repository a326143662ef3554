import WeightmillTensors

/// How far values may be from the reference's before something other than rounding is at work.
///
/// Rounding to *b* bits changes weights by about 2^-*b* of their size: `formats/file-checks.md` has
/// measured figures. The bounds leave a factor of two and more.
enum ErrorBound {
  /// The largest relative error of a tensor that rounding explains.
  ///
  /// - Parameters:
  ///   - type: The candidate's type.
  ///   - reference: The reference's, which may be rounded, too.
  /// - Returns: The error, relative to the size of the reference.
  static func tensor(_ type: TensorType, reference: TensorType?) -> Double {
    max(rounding(type), reference.map(rounding) ?? 0)
  }

  /// The largest relative error of a row: single rows may be worse than their tensor. Rows of types of
  /// two or three levels are not judged.
  static func row(_ type: TensorType, reference: TensorType?) -> Double {
    let isCoarse = isCoarse(type) || reference.map(isCoarse) == true
    return isCoarse ? .infinity : min(0.9, 2.5 * tensor(type, reference: reference))
  }

  private static func isCoarse(_ type: TensorType) -> Bool {
    switch type {
    case .tq1_0, .tq2_0, .q1_0, .q2_0: true
    default: false
    }
  }

  /// From this relative error on there is no likeness left: two unrelated tensors have about 1.4.
  static let unrelated = 0.95

  /// Whether a reference is at least as exact as the candidate.
  ///
  /// - Parameters:
  ///   - reference: The reference's type.
  ///   - type: The candidate's.
  /// - Returns: Whether it is.
  static func isExact(_ reference: TensorType, beside type: TensorType) -> Bool {
    rounding(reference) <= rounding(type)
  }

  private static func rounding(_ type: TensorType) -> Double {
    // Meant for models trained in so few levels; of others they leave little.
    if isCoarse(type) { return 0.94 }
    // An offset for each block takes a bit that values do not get.
    let offset = type == .q4_1 || type == .q5_1 ? 1 : 0
    switch type.bytesPerBlock * 8 / type.valuesPerBlock - offset {
    case 16...: return 0.02
    case 8...: return 0.03
    case 6...: return 0.06
    case 5...: return 0.12
    case 4...: return 0.25
    case 3...: return 0.45
    default: return 0.8
    }
  }
}
