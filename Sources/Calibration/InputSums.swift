import LLaMA
import Quantization

/// The sums of squares of what text sends into a matrix, column by column.
///
/// They are kept in binary64, where the square of a binary32 value is exact. Every column adds the
/// squares one after the other in the order of the tokens, so that the sums depend on nothing else:
/// not on the number of threads, and not on how the text is cut into passes.
struct InputSums {
  private var sums: [Double]
  private var count = 0

  /// Makes sums of nothing.
  init(columns: Int) { sums = [Double](repeating: 0, count: columns) }

  /// Adds the squares of vectors.
  ///
  /// - Parameter vectors: The vectors, as long as there are columns.
  mutating func add(_ vectors: Activations) {
    precondition(vectors.columns == sums.count)
    for row in 0..<vectors.rows {
      for (column, value) in vectors[row].enumerated() {
        sums[column] += Double(value) * Double(value)
      }
    }
    count += vectors.rows
  }

  /// The sums as files hold them, or `nil` when one is infinite or not a number.
  var entry: ImportanceMatrix.Entry? {
    let rounded = sums.map(Float.init)
    guard rounded.allSatisfy(\.isFinite) else { return nil }
    return ImportanceMatrix.Entry(sums: rounded, count: Float(count))
  }
}
