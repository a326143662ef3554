/// The words of an importance matrix in a GGUF file.
enum ImatrixKey {
  static let type = "general.type"
  static let typeValue = "imatrix"
  static let datasets = "imatrix.datasets"
  static let chunkCount = "imatrix.chunk_count"
  static let chunkSize = "imatrix.chunk_size"
  /// What follows a matrix's name in that of the tensor with its sums of squares.
  static let sums = ".in_sum2"
  /// What follows a matrix's name in that of the tensor with its numbers of vectors.
  static let counts = ".counts"
}
