/// Sums of squares of a difference and of what it is relative to.
struct SquaredError: Sendable {
  private(set) var difference = 0.0
  private(set) var size = 0.0

  mutating func add(_ other: (difference: Double, size: Double)) {
    difference += other.difference
    size += other.size
  }

  /// ‖difference‖ / ‖size‖: 0 when nothing differs, infinite when something does from nothing.
  var relative: Double {
    difference == 0 ? 0 : (difference / size).squareRoot()
  }
}
