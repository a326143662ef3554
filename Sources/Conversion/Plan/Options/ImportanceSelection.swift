public import WeightmillQuantization
import WeightmillTensors

/// An importance matrix, and for which tensors it is used.
public struct ImportanceSelection: Sendable {
  /// The part of a file of importance that is used.
  public enum Filter: Sendable {
    /// Everything.
    case all
    /// Entries whose names hold one of these texts.
    case including([String])
    /// Entries whose names hold none of these texts.
    case excluding([String])
  }

  /// The file it was read from.
  package let path: String
  /// What is used of it, by the name of the tensor in the GGUF file.
  let entries: [TensorName: ImportanceMatrix.Entry]
  /// The first of the texts it was gathered from.
  let dataset: String?
  /// How many chunks of text were read.
  let chunkCount: Int
  /// Remarks for the user.
  let notes: [String]

  /// Selects entries of a matrix.
  ///
  /// - Parameters:
  ///   - matrix: The matrix.
  ///   - path: The file it was read from.
  ///   - filter: What is used of it.
  public init(_ matrix: ImportanceMatrix, path: String, filter: Filter = .all) {
    self.path = path
    dataset = matrix.datasets.first
    chunkCount = matrix.chunkCount
    func holds(_ name: TensorName, _ texts: [String]) -> Bool {
      texts.contains { name.text.contains($0) }
    }
    func unused(_ texts: [String], _ option: String) -> [String] {
      texts.filter { text in !matrix.entries.keys.contains { holds($0, [text]) } }
        .map { "\(option) \(quoted($0)) is in the name of no entry of \(path)" }
    }
    switch filter {
    case .all:
      entries = matrix.entries
      notes = []
    case .including(let texts):
      entries = matrix.entries.filter { holds($0.key, texts) }
      notes = unused(texts, "--include-weights")
    case .excluding(let texts):
      entries = matrix.entries.filter { !holds($0.key, texts) }
      notes = unused(texts, "--exclude-weights")
    }
  }

  /// What is used, as a matrix of its own.
  package var matrix: ImportanceMatrix {
    ImportanceMatrix(
      entries: entries, datasets: [dataset].compactMap(\.self), chunkCount: chunkCount)
  }

  /// The importance of each column of a matrix.
  ///
  /// - Parameters:
  ///   - name: The matrix's name in the GGUF file from which the importance was computed.
  ///   - columns: The length of its rows.
  /// - Returns: One number for each column, or `nil` when nothing is known of the matrix.
  /// - Throws: `mismatch` when the entry is another model's, or damaged.
  func weights(of name: String, columns: Int) throws(WeightmillError) -> [Float]? {
    guard let entry = entries[TensorName(name)] else { return nil }
    let weights = entry.weights
    guard weights.count == columns else {
      throw WeightmillError(
        .mismatch, path,
        "is of another model: \(quoted(name)) has \(columns) columns, not \(weights.count)",
        remedy: "compute it for this model with `weightmill imatrix`")
    }
    guard weights.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
      throw WeightmillError(
        .mismatch, path, "holds importance that is negative or no number for \(quoted(name))",
        remedy: "compute it anew with `weightmill imatrix`")
    }
    return weights
  }
}
