/// What an encoder could not keep.
public struct EncodingFaults: Equatable, Sendable {
  /// How many values are in blocks whose scale is beyond the type's range.
  public var overflowed = 0
  /// How many values that were not 0 became one number because another of their block is far larger.
  public var lost = 0

  /// Nothing was lost.
  public init() {}

  /// Adds those of other rows.
  ///
  /// - Parameter other: Those of other rows.
  public mutating func add(_ other: EncodingFaults) {
    overflowed += other.overflowed
    lost += other.lost
  }
}
