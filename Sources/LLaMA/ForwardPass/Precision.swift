/// The numbers that a forward pass computes with.
public enum Precision: Sendable {
  /// Binary32.
  case single
  /// Binary64, from weights of at most binary32.
  case double

  /// The size of a number in bytes.
  var size: Int {
    switch self {
    case .single: MemoryLayout<Float>.size
    case .double: MemoryLayout<Double>.size
    }
  }
}
