import WeightmillLLaMA
import WeightmillTensors

/// Compares whether the output matrix is the embeddings.
struct TiedOutputCheck {
  let candidate: ModelRows
  let reference: ModelRows?

  /// How many rows are compared to tell whether two matrices are one.
  private static let rows = 16

  /// Adds what is found.
  ///
  /// - Throws: The errors of reading.
  func check(_ findings: inout FindingList) throws(WeightmillError) {
    guard let reference, candidate.model.tiesEmbeddings != reference.model.tiesEmbeddings
    else { return }
    guard candidate.model.tiesEmbeddings else {
      // The scan compares its values with the embeddings.
      findings.note(
        "tied-output", tensor: "output.weight",
        "output.weight is stored; the reference uses its embeddings as the output matrix")
      return
    }
    if try isSame(reference) {
      findings.note(
        "tied-output",
        "output.weight is left out: the reference's is the same as its embeddings, which "
          + "llama.cpp takes instead")
    } else {
      findings.error(
        "tied-output",
        "output.weight is missing: llama.cpp takes token_embd.weight instead, which is another "
          + "matrix in the reference; convert the model again")
    }
  }

  private func isSame(_ model: ModelRows) throws(WeightmillError) -> Bool {
    guard let output = model.tensor(.output), let embedding = model.tensor(.tokenEmbedding),
      output.shape == embedding.shape
    else { return false }
    let count = min(Self.rows, output.shape.rows)
    for sample in 0..<count {
      let row = sample * output.shape.rows / count
      guard try model.row(row, of: .output) == model.row(row, of: .tokenEmbedding) else {
        return false
      }
    }
    return true
  }
}
