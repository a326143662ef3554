import WeightmillGGUF
public import WeightmillQuantization
public import WeightmillTensors

/// Importance matrices in llama.cpp's two file formats, told apart by content; `formats/imatrix.md`
/// describes both.
public enum ImatrixFile {
  /// The largest number of values in all entries of a file.
  package static let maximumValues = 1 << 26
  /// The largest number of vectors that a file may say were summed.
  package static let maximumCount: Float = 0x1p53

  /// Reads a file of either format.
  ///
  /// - Parameter path: The file.
  /// - Returns: What it holds.
  /// - Throws: `noInput`; `malformed` for a file that is damaged or something else, and for sums
  ///   that are negative, infinite or not numbers; `unsupported` for one that holds too much.
  public static func read(_ path: String) throws(WeightmillError) -> ImportanceMatrix {
    try FileKind.refusePlaceholder(path)
    let file = try InputFile(path)
    let head = try file.bytes(at: 0, count: min(file.byteCount, 4))
    guard head.elementsEqual("GGUF".utf8) else { return try LegacyImatrixReader.read(file) }
    return try ImatrixReader(GGUFFile(path: path)).matrix()
  }
}

/// The words of an importance matrix in a GGUF file.
package enum ImatrixKey {
  package static let type = "general.type"
  package static let typeValue = "imatrix"
  package static let datasets = "imatrix.datasets"
  package static let chunkCount = "imatrix.chunk_count"
  package static let chunkSize = "imatrix.chunk_size"
  /// The suffix of a matrix's name in that of the tensor with its sums of squares.
  package static let sums = ".in_sum2"
  /// The suffix of a matrix's name in that of the tensor with the sums of inputs themselves.
  package static let inputSums = ".in_sum"
  /// The suffix of a matrix's name in that of the tensor with its numbers of vectors.
  package static let counts = ".counts"
}
