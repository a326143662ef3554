import WeightmillTensors

/// The cost to the searches of an error in each column: importance that is ready to be used.
///
/// The mean is 1, so that no square overflows. In real models a few columns make the mean, and a share of
/// it that is added to each column drowns what the others say. Columns of importance 0 are those that the
/// calibration text never used: nothing is known of them, and an encoder that took the 0 at its word
/// would ruin their weights. Source: `formats/quantization.md`, section 2.40.
package enum ColumnWeights {
  /// Importance below this share of the row's mean counts as 0: products of it would underflow.
  private static let leastShare = 0x1p-40
  /// What is added to importance whose mean is 1: sums of weights that differ by more are lost in rounding.
  private static let floor: Float = 0x1p-14
  /// How many times all others of its block together a column may weigh: with more, an offset and a
  /// scale are fitted to that column alone, and the others are lost in rounding.
  private static let mostTimesOthers: Float = 0x1p12

  /// The weights of a row's columns.
  ///
  /// - Parameters:
  ///   - importance: How much an error in each column costs, not negative and finite; whole blocks.
  ///   - blockSize: How many columns a block of the row's type has; more than 1.
  /// - Returns: For each column a number above 0.
  package static func weights(_ importance: [Float], blockSize: Int) -> [Float] {
    let mean = mean(of: importance)
    guard mean > 0 else { return [Float](repeating: 1, count: importance.count) }
    var weights = importance.map { Float(Double($0) / mean) + floor }
    let least = Float(mean * leastShare)
    for first in stride(from: 0, to: weights.count, by: blockSize) {
      let block = first..<first + blockSize
      let unused = block.count { importance[$0] <= least }
      if unused == 0 {
        limitLargest(&weights, block)
      } else {
        fillUnused(&weights, block, count: unused) { importance[$0] <= least }
      }
    }
    return weights
  }

  /// The number of columns in blocks of which the calibration text used no column: nothing guides how
  /// their weights are rounded.
  ///
  /// - Parameters:
  ///   - importance: As above.
  ///   - blockSize: How many columns a block of the row's type has.
  /// - Returns: Their number, that of whole blocks.
  package static func unusedColumns(_ importance: [Float], blockSize: Int) -> Int {
    let least = Float(mean(of: importance) * leastShare)
    return stride(from: 0, to: importance.count, by: blockSize).reduce(0) { sum, first in
      let block = importance[first..<min(first + blockSize, importance.count)]
      return block.allSatisfy { $0 <= least } ? sum + block.count : sum
    }
  }

  private static func mean(of importance: [Float]) -> Double {
    importance.reduce(0.0) { $0 + Double($1) } / Double(max(importance.count, 1))
  }

  /// Columns that were never used cost as much as the others of their block on average, or 1 if none
  /// was used.
  private static func fillUnused(
    _ weights: inout [Float], _ block: Range<Int>, count: Int, isUnused: (Int) -> Bool
  ) {
    let sum = block.reduce(Float(0)) { isUnused($1) ? $0 : $0 + weights[$1] }
    let average = count < block.count ? sum / Float(block.count - count) : 1
    for column in block where isUnused(column) { weights[column] = average }
  }

  private static func limitLargest(_ weights: inout [Float], _ block: Range<Int>) {
    var (largest, others) = (block.lowerBound, Float(0))
    for column in block.dropFirst() {
      let isLarger = weights[column] > weights[largest]
      others += isLarger ? weights[largest] : weights[column]
      if isLarger { largest = column }
    }
    weights[largest] = min(weights[largest], mostTimesOthers * others)
  }
}
