/// The extents of a tensor, outermost first, with a byte size that is known not to overflow.
///
/// A row is the innermost extent: a tensor of shape `[a, b, c]` has `a * b` rows of `c` values. A
/// tensor without dimensions has one row of one value.
public struct TensorShape: Hashable, Sendable, CustomStringConvertible {
  /// The extents, outermost first.
  public let extents: [Int]
  /// How many rows there are: the product of all extents but the last.
  public let rows: Int
  /// How many values a row holds: the last extent.
  public let columns: Int

  /// Checks the extents of a tensor.
  ///
  /// Returns `nil` when an extent is negative, or when the number of values times eight bytes does
  /// not fit in a signed 64-bit integer (zero extents are left out of that product, so that no
  /// extent is beyond the bound).
  ///
  /// - Parameter extents: The extents, outermost first.
  public init?(_ extents: [Int]) {
    var bound = 8
    for extent in extents {
      guard extent >= 0 else { return nil }
      let (product, overflow) = bound.multipliedReportingOverflow(by: max(extent, 1))
      guard !overflow else { return nil }
      bound = product
    }
    self.extents = extents
    self.columns = extents.last ?? 1
    self.rows = extents.dropLast().reduce(1, *)
  }

  /// A matrix of `rows` by `columns`; a negative extent counts as zero.
  ///
  /// - Parameters:
  ///   - rows: The number of rows.
  ///   - columns: The number of values in a row.
  public init(rows: Int, columns: Int) {
    self.extents = [max(rows, 0), max(columns, 0)]
    self.rows = max(rows, 0)
    self.columns = max(columns, 0)
  }

  /// The number of values.
  public var count: Int { rows * columns }

  /// Whether there are no values. The rows of such a tensor may be of any length, and those of no
  /// length of any number: neither says anything of what is to be read.
  public var isEmpty: Bool { rows == 0 || columns == 0 }

  /// The shape as people write it: `[5120, 13824]`.
  public var description: String {
    "[" + extents.map(String.init).joined(separator: ", ") + "]"
  }
}
