/// A count of values that a far larger one of their block drowned.
///
/// Values that share a scale share its steps. Where one of them is far larger than the others, these get
/// few different numbers or one, and what they were is gone: the block is valid, and no program would say so.
/// A part of a block, or a whole block, counts as drowned if
///
/// - its largest value is at least eight times the root mean square of the others,
/// - the error of the others is at least an eighth of what they were, as root mean squares,
/// - and they are not small: at least a quarter of what the others are in the parts of that row, as root mean squares.
///
/// Ordinary models have such parts, the fewer the larger the value is, and do well with them. A part therefore weighs
/// as much as the square of its largest value is above that eightfold, and a tensor is reported when its weight is
/// beyond what ordinary models have (`isReported`), or when one value is 64 times the others: none of theirs is.
/// Figures: formats/quantization.md, section 3.
package struct DrownedValues: Equatable, Sendable {
  /// The number of drowned values that were not 0.
  package private(set) var count = 0
  /// The sum of their weights.
  package private(set) var weight = 0

  /// No values.
  package init() {}

  /// Values that were counted before.
  ///
  /// - Parameters:
  ///   - count: How many.
  ///   - weight: Their weight.
  package init(count: Int, weight: Int) {
    (self.count, self.weight) = (count, weight)
  }

  /// The least largest value, in root mean squares of the others, squared.
  static let leastRatio = 64.0
  /// Beyond this one value is enough, squared.
  private static let extremeRatio = 4096.0
  /// The weight of a value beside such a one: more than any tensor has values.
  private static let extremeWeight = 1 << 40
  /// The weight of a value from which on a tensor is reported, per value of the tensor: one in so many.
  private static let reportedShare = 24

  /// Whether these are more than an ordinary model has.
  ///
  /// - Parameter valueCount: How many values the tensor has.
  /// - Returns: Whether to report them.
  package func isReported(among valueCount: Int) -> Bool {
    weight > 0 && weight >= valueCount / Self.reportedShare
  }

  /// Adds those of other rows.
  ///
  /// - Parameter other: Those of other rows.
  package mutating func add(_ other: DrownedValues) {
    count = Self.sum(count, other.count)
    weight = Self.sum(weight, other.weight)
  }

  /// Adds values.
  ///
  /// - Parameters:
  ///   - values: How many.
  ///   - ratio: The square of the largest value beside them, over the mean of their squares.
  mutating func add(_ values: Int, ratio: Double) {
    let each =
      ratio >= Self.extremeRatio
      ? Self.extremeWeight : Int((ratio / Self.leastRatio).rounded(.down))
    let (product, overflows) = values.multipliedReportingOverflow(by: each)
    add(DrownedValues(count: values, weight: overflows ? .max : product))
  }

  private static func sum(_ one: Int, _ other: Int) -> Int {
    let (sum, overflows) = one.addingReportingOverflow(other)
    return overflows ? .max : sum
  }
}
