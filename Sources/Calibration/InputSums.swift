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
    vectors.addSquares(to: &sums)
    count += vectors.rows
  }

  /// Whether every sum is a number that files can hold.
  var areFinite: Bool { sums.allSatisfy { $0 <= Double(Float.greatestFiniteMagnitude) } }

  /// The sums as files hold them.
  var entry: ImportanceMatrix.Entry {
    ImportanceMatrix.Entry(sums: sums.map(Float.init), count: Float(count))
  }
}
