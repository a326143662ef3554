extension Range<Int> {
  /// Cuts rows into ranges that are read at once.
  ///
  /// Cuts lie at multiples of the group from the first row on, so that rows which change places with
  /// their neighbours, a head's, are read together.
  ///
  /// - Parameters:
  ///   - columns: How many values a row has; 0 counts as 1.
  ///   - values: About how many values a range shall hold; at least one group's are in it.
  ///   - group: How many neighbouring rows belong together.
  /// - Returns: The ranges, in order; none for no rows. Of a tensor without values the caller reads no
  ///   rows, however many it says to have.
  package func rowRanges(columns: Int, values: Int, group: Int = 1) -> [Range<Int>] {
    let height = Swift.max(1, values / Swift.max(columns, 1) / group) * group
    return stride(from: lowerBound, to: upperBound, by: height).map { first in
      first..<Swift.min(first + height, upperBound)
    }
  }
}
