public import Tensors

/// How much each input of each matrix matters: mean squares of the values that text sends into it.
///
/// The error of a matrix's output is the error of each weight times the input of its column. So the
/// mean of the squared input says how much an error in that column costs. llama.cpp calls this an
/// importance matrix (imatrix).
public struct ImportanceMatrix: Sendable {
  /// What was gathered for one matrix.
  public struct Entry: Sendable {
    /// For each column of the matrix the sum of the squared inputs.
    public let sums: [Float]
    /// How many input vectors were summed.
    public let count: Float

    /// Describes what was gathered.
    ///
    /// - Parameters:
    ///   - sums: For each column the sum of the squared inputs.
    ///   - count: How many input vectors were summed.
    public init(sums: [Float], count: Float) {
      self.sums = sums
      self.count = count
    }

    /// The mean squared input of each column; all ones when nothing was gathered, as in llama.cpp.
    public var weights: [Float] {
      count > 0 ? sums.map { $0 / count } : [Float](repeating: 1, count: sums.count)
    }
  }

  /// The entries by the name of their matrix in the GGUF file.
  public var entries: [TensorName: Entry]
  /// The texts it was gathered from, for the metadata of files made with it.
  public var datasets: [String]
  /// How many chunks of text were read.
  public var chunkCount: Int

  /// Makes a matrix.
  ///
  /// - Parameters:
  ///   - entries: The entries by the name of their matrix.
  ///   - datasets: The texts it was gathered from.
  ///   - chunkCount: How many chunks of text were read.
  public init(entries: [TensorName: Entry], datasets: [String] = [], chunkCount: Int = 0) {
    self.entries = entries
    self.datasets = datasets
    self.chunkCount = chunkCount
  }
}
