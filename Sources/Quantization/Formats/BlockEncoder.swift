/// The encoder of one tensor's rows: type, guide and search are decided when it is made.
///
/// `RowEncoder` chooses which, and checks sizes in front of it.
protocol BlockEncoder: Sendable {
  /// Encodes whole rows.
  ///
  /// - Parameters:
  ///   - values: Finite values, from the first column of a row on.
  ///   - blocks: Room for `count` blocks.
  ///   - count: How many blocks there are.
  /// - Returns: What could not be kept.
  func encode(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, count: Int
  ) -> EncodingFaults
}

/// Counts of the values that an encoder could not keep.
public struct EncodingFaults: Equatable, Sendable {
  /// The number of values in blocks whose scale is beyond the type's range.
  public var overflowed = 0
  /// The values of which rounding left little beside a far larger one of their block.
  package var drowned = DrownedValues()
  /// The rows whose values are multiples of steps: no fault.
  package var grids = GridRows()

  /// The number of values, not 0, of which rounding left little beside a far larger one of their block.
  public var lost: Int { drowned.count }

  /// Nothing was lost.
  package init() {}

  /// Adds those of other rows.
  ///
  /// - Parameter other: Those of other rows.
  package mutating func add(_ other: EncodingFaults) {
    overflowed += other.overflowed
    drowned.add(other.drowned)
    grids.add(other.grids)
  }
}
