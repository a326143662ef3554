public import WeightmillTensors

/// The importance of each input of each matrix: mean squares of the values that text sends into it.
///
/// The error of a matrix's output is the error of each weight times the input of its column. So the
/// mean of the squared input says how much an error in that column costs. llama.cpp calls this an
/// importance matrix (imatrix).
public struct ImportanceMatrix: Equatable, Sendable {
  /// The figures of one tensor: a matrix, or the stacked matrices of experts.
  public struct Entry: Equatable, Sendable {
    /// The sum of the squared inputs of each column of each matrix.
    package let sums: [Float]
    /// The number of input vectors that were summed, for each matrix.
    package let counts: [Float]
    /// The sum of the inputs themselves of each column of each matrix, if they were gathered: their
    /// means say how far an input is from 0 on average. Nothing is quantized by them.
    package let inputSums: [Float]?

    /// Describes what was gathered for a matrix.
    ///
    /// - Parameters:
    ///   - sums: For each column the sum of the squared inputs.
    ///   - count: How many input vectors were summed.
    ///   - inputSums: For each column the sum of the inputs themselves, if they were gathered.
    package init(sums: [Float], count: Float, inputSums: [Float]? = nil) {
      self.init(sums: sums, counts: [count], inputSums: inputSums)
    }

    /// Describes what was gathered for stacked matrices.
    ///
    /// - Parameters:
    ///   - sums: For each column of each matrix the sum of the squared inputs.
    ///   - counts: For each matrix how many input vectors were summed; divides the number of sums.
    ///   - inputSums: For each column of each matrix the sum of the inputs themselves, if they were
    ///     gathered.
    package init(sums: [Float], counts: [Float], inputSums: [Float]? = nil) {
      precondition(!counts.isEmpty && sums.count % counts.count == 0)
      precondition(inputSums.map { $0.count == sums.count } ?? true)
      self.sums = sums
      self.counts = counts
      self.inputSums = inputSums
    }

    /// The number of columns of a matrix.
    package var columns: Int { sums.count / counts.count }

    /// The mean squared input of each column, matrix by matrix; all ones for a matrix for which
    /// nothing was gathered, as in llama.cpp.
    public var weights: [Float] {
      sums.enumerated().map { index, sum in
        let count = counts[index / columns]
        return count > 0 ? sum / count : 1
      }
    }
  }

  /// The entries by the name of their tensor in the GGUF file.
  public var entries: [TensorName: Entry]
  /// The texts it was gathered from, for the metadata of files made with it.
  package var datasets: [String]
  /// The number of chunks of text that were read.
  package var chunkCount: Int
  /// The number of tokens in a chunk; 0 if it is not known.
  package var chunkSize: Int

  /// Makes a matrix.
  ///
  /// - Parameters:
  ///   - entries: The entries by the name of their tensor.
  ///   - datasets: The texts it was gathered from.
  ///   - chunkCount: How many chunks of text were read.
  ///   - chunkSize: How many tokens a chunk holds; 0 if that is not known.
  package init(
    entries: [TensorName: Entry], datasets: [String] = [], chunkCount: Int = 0, chunkSize: Int = 0
  ) {
    self.entries = entries
    self.datasets = datasets
    self.chunkCount = chunkCount
    self.chunkSize = chunkSize
  }

  /// The names of the entries, in the order of their bytes.
  package var names: [TensorName] {
    entries.keys.sorted { $0.text.utf8.lexicographicallyPrecedes($1.text.utf8) }
  }
}
