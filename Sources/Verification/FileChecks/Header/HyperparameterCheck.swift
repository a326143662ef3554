import WeightmillLLaMA
import WeightmillPresentation

/// Whether sizes and constants are the reference's.
enum HyperparameterCheck {
  /// Compares two configurations.
  ///
  /// - Parameters:
  ///   - candidate: The candidate's.
  ///   - reference: The reference's.
  ///   - findings: Where to add what is found.
  static func check(
    _ candidate: LlamaConfiguration, against reference: LlamaConfiguration,
    _ findings: inout FindingList
  ) {
    let sizes: [(name: String, ours: Int, theirs: Int)] = [
      ("number of layers", candidate.layerCount, reference.layerCount),
      ("hidden size", candidate.hiddenSize, reference.hiddenSize),
      ("number of heads", candidate.headCount, reference.headCount),
      ("number of key-value heads", candidate.keyValueHeadCount, reference.keyValueHeadCount),
      ("head dimension", candidate.headDimension, reference.headDimension),
      ("feed-forward size", candidate.feedForwardSize, reference.feedForwardSize),
      ("number of embedding rows", candidate.vocabularyRows, reference.vocabularyRows),
    ]
    for size in sizes where size.ours != size.theirs {
      findings.error(
        "hyperparameters", "the \(size.name) is \(size.ours), the reference's \(size.theirs)")
    }
    // GGUF holds both in 32 bits.
    let constants: [(name: String, ours: Double, theirs: Double)] = [
      ("epsilon of the norms", candidate.normEpsilon, reference.normEpsilon),
      ("base of the rotary angles", candidate.ropeBase, reference.ropeBase),
    ]
    for constant in constants where Float(constant.ours) != Float(constant.theirs) {
      findings.error(
        "hyperparameters",
        "the \(constant.name) is \(Text.significant(constant.ours)), the reference's "
          + "\(Text.significant(constant.theirs)): the model computes something else; convert it "
          + "again with the reference's configuration")
    }
    if candidate.contextLength != reference.contextLength {
      findings.note(
        "hyperparameters",
        "the context length is \(candidate.contextLength), the reference's "
          + "\(reference.contextLength)")
    }
  }
}
