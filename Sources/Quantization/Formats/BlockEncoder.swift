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

/// What an encoder could not keep.
public struct EncodingFaults: Equatable, Sendable {
  /// How many values are in blocks whose scale is beyond the type's range.
  public var overflowed = 0
  /// How many values that were not 0 became one number because another of their block is far larger.
  public var lost = 0

  /// Nothing was lost.
  package init() {}

  /// Adds those of other rows.
  ///
  /// - Parameter other: Those of other rows.
  package mutating func add(_ other: EncodingFaults) {
    overflowed += other.overflowed
    lost += other.lost
  }
}
