/// The words of an importance matrix in a GGUF file.
package enum ImatrixKey {
  package static let type = "general.type"
  package static let typeValue = "imatrix"
  package static let datasets = "imatrix.datasets"
  package static let chunkCount = "imatrix.chunk_count"
  package static let chunkSize = "imatrix.chunk_size"
  /// The suffix of a matrix's name in that of the tensor with its sums of squares.
  package static let sums = ".in_sum2"
  /// The suffix of a matrix's name in that of the tensor with its numbers of vectors.
  package static let counts = ".counts"
}
