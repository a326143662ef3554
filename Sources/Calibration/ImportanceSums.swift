package import WeightmillLLaMA
package import WeightmillQuantization
package import WeightmillTensors
import WeightmillTokenization

/// What a collection has gathered from the first windows of a text: exact sums, from which it can go on.
package struct ImportanceSums: Equatable, Sendable {
  /// The sums by the names of matrices in GGUF files; those that share an input have the same.
  package internal(set) var inputs: [TensorName: InputSums] = [:]
  /// The number of windows that were read.
  package internal(set) var windows = 0
  /// The perplexity, if it is measured.
  package internal(set) var perplexity: TextPerplexity?

  /// Sums of nothing.
  package init() {}

  /// Adds vectors that go into matrices; `false` if the sums are of vectors of another length.
  mutating func add(
    _ input: Activations, of matrices: [TensorName], orTo fresh: () -> InputSums
  ) -> Bool {
    // Taken out, so that it is not copied.
    var sums = inputs.removeValue(forKey: matrices[0]) ?? fresh()
    for name in matrices { inputs[name] = nil }
    guard sums.columns == input.columns else { return false }
    sums.add(input)
    for name in matrices { inputs[name] = sums }
    return true
  }

  /// The sums as files hold them.
  ///
  /// - Parameter text: The text that was read.
  /// - Returns: The importance matrix.
  package func matrix(of text: CalibrationText) -> ImportanceMatrix {
    ImportanceMatrix(
      entries: inputs.mapValues(\.entry), datasets: text.names, chunkCount: windows,
      chunkSize: text.context)
  }
}

/// The sums of squares of what text sends into a matrix, column by column.
///
/// They are kept in binary64, where the square of a binary32 value is exact. Every column adds the
/// squares one after the other in the order of the tokens, so that the sums depend on nothing else:
/// not on the number of threads, and not on how the text is cut into passes.
package struct InputSums: Equatable, Sendable {
  /// The sums of squares.
  package private(set) var squares: [Double]
  /// The sums of the values themselves, if they are gathered.
  package private(set) var values: [Double]?
  /// The number of vectors.
  package private(set) var count = 0

  /// Makes sums of nothing.
  ///
  /// - Parameters:
  ///   - columns: The length of the vectors.
  ///   - gathersMeans: Whether the values themselves are summed, too.
  package init(columns: Int, gathersMeans: Bool = false) {
    squares = [Double](repeating: 0, count: columns)
    values = gathersMeans ? squares : nil
  }

  /// Sums that were gathered before.
  package init(squares: [Double], values: [Double]?, count: Int) {
    precondition(values.map { $0.count == squares.count } ?? true)
    (self.squares, self.values, self.count) = (squares, values, count)
  }

  /// The length of the vectors.
  package var columns: Int { squares.count }

  /// Adds vectors and their squares.
  ///
  /// - Parameter vectors: The vectors, as long as there are columns.
  package mutating func add(_ vectors: Activations) {
    vectors.addSquares(to: &squares)
    if var sums = values {
      values = nil  // not to be copied
      vectors.addValues(to: &sums)
      values = sums
    }
    count += vectors.rows
  }

  /// Whether every sum is a number that files can hold.
  var areFinite: Bool { squares.allSatisfy { $0 <= Double(Float.greatestFiniteMagnitude) } }

  /// The sums as files hold them.
  package var entry: ImportanceMatrix.Entry {
    ImportanceMatrix.Entry(
      sums: squares.map { Float($0) }, count: Float(count),
      inputSums: values.map { $0.map { Float($0) } })
  }
}

/// Perplexity: the exponential of the mean surprise at a text's tokens, and what chance does to it.
package struct TextPerplexity: Equatable, Sendable {
  /// The sum of the surprises, in nats.
  package private(set) var sum = 0.0
  /// The sum of their squares.
  package private(set) var squares = 0.0
  /// Their number.
  package private(set) var count = 0

  /// Begins without tokens.
  package init() {}

  /// What was measured before.
  package init(sum: Double, squares: Double, count: Int) {
    (self.sum, self.squares, self.count) = (sum, squares, count)
  }

  /// Adds the surprise at a token.
  mutating func add(_ surprise: Double) {
    sum += surprise
    squares += surprise * surprise
    count += 1
  }

  /// The perplexity; `nil` without tokens.
  package var value: Double? {
    count > 0 ? Elementary.exponential(sum / Double(count)) : nil
  }

  /// The standard error of the perplexity; `nil` if it is not known.
  package var error: Double? {
    guard count > 1, let value else { return nil }
    let mean = sum / Double(count)
    let variance = squares / Double(count) - mean * mean
    return variance > 0 ? (variance / Double(count - 1)).squareRoot() * value : nil
  }
}
