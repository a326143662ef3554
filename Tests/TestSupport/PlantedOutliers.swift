extension [Float] {
  /// Makes one of some values so many times as large as the root mean square of the others.
  ///
  /// - Parameters:
  ///   - range: The values.
  ///   - ratio: How many times.
  package mutating func plantOutlier(_ range: Range<Int>, ratio: Double) {
    let index = range.lowerBound + range.count / 3
    let power = range.reduce(0.0) { $0 + ($1 == index ? 0 : Double(self[$1]) * Double(self[$1])) }
    self[index] = Float(ratio * (power / Double(range.count - 1)).squareRoot())
  }

  /// Makes one of each so many values as many times as large as the others of them.
  ///
  /// - Parameters:
  ///   - size: How many values.
  ///   - ratio: How many times.
  package mutating func plantOutliers(inEach size: Int, ratio: Double) {
    for first in stride(from: 0, to: count, by: size) {
      plantOutlier(first..<first + size, ratio: ratio)
    }
  }
}
