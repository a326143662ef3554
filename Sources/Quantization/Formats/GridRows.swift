package import WeightmillTensors

/// Counts of a tensor's rows by the grids that they lie on.
package struct GridRows: Sendable, Equatable {
  /// The rows that are not all 0.
  package var rows = 0
  /// Those that the type they were written in keeps exactly, though its values are multiples of steps.
  package var kept = 0
  /// Those of the others that each of `namedTypes` would keep exactly.
  package var fitting = SIMD8<Int>.zero

  /// The types that a note may name, the smallest first.
  package static let namedTypes: [TensorType] = [.q1_0, .tq2_0, .q2_0, .q4_0, .q5_0]

  /// The largest number that a value of these types may be a multiple by.
  static let mostNumber = 16

  /// Nothing was looked at.
  package init() {}

  /// Adds those of other rows.
  ///
  /// - Parameter other: Those of other rows.
  package mutating func add(_ other: GridRows) {
    rows += other.rows
    kept += other.kept
    fitting &+= other.fitting
  }

  /// Whether all rows lie on a grid and were kept exactly.
  package var isKept: Bool { rows > 0 && kept == rows }

  /// The smallest type that would keep all rows exactly, where the one they were written in does not.
  package var betterType: TensorType? {
    guard rows > 0, !isKept else { return nil }
    return Self.namedTypes.indices.first { fitting[$0] &+ kept == rows }.map { Self.namedTypes[$0] }
  }
}
