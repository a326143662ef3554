import WeightmillLLaMA
import WeightmillPresentation
import WeightmillTensors

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
      (
        "number of values of each head that are turned", candidate.rotaryDimension,
        reference.rotaryDimension
      ),
      ("window of attention (0: none)", candidate.window ?? 0, reference.window ?? 0),
      ("feed-forward size", candidate.feedForwardSize, reference.feedForwardSize),
    ]
    for size in sizes where size.ours != size.theirs {
      findings.error(
        "hyperparameters", "the \(size.name) is \(size.ours), the reference's \(size.theirs)")
    }
    checkConstants(candidate, against: reference, &findings)
    if candidate.contextLength != reference.contextLength {
      findings.note(
        "hyperparameters",
        "the context length is \(candidate.contextLength), the reference's "
          + "\(reference.contextLength)")
    }
    // Rows are padded so that sizes can be divided; too many are refused before a comparison.
    if candidate.vocabularyRows != reference.vocabularyRows {
      findings.note(
        "hyperparameters",
        "the number of embedding rows is \(candidate.vocabularyRows), the reference's "
          + "\(reference.vocabularyRows)")
    }
  }

  private static func checkConstants(
    _ candidate: LlamaConfiguration, against reference: LlamaConfiguration,
    _ findings: inout FindingList
  ) {
    // GGUF holds both in 32 bits.
    let constants: [(name: String, ours: Double, theirs: Double)] = [
      ("epsilon of the norms", candidate.normEpsilon, reference.normEpsilon),
      ("base of the rotary angles", candidate.ropeBase, reference.ropeBase),
      ("scale of the embeddings", candidate.scales.embedding, reference.scales.embedding),
      ("scale of what layers add", candidate.scales.residual, reference.scales.residual),
      ("scale of the logits", candidate.scales.logit, reference.scales.logit),
      (
        "scale of attention", candidate.scales.attention ?? 0, reference.scales.attention ?? 0
      ),
      (
        "cap of attention's scores", candidate.scales.attentionCap ?? 0,
        reference.scales.attentionCap ?? 0
      ),
      ("cap of the logits", candidate.scales.logitCap ?? 0, reference.scales.logitCap ?? 0),
      (
        "base of the rotary angles in layers with a window", candidate.localRopeBase ?? 0,
        reference.localRopeBase ?? 0
      ),
    ]
    for constant in constants where Float(constant.ours) != Float(constant.theirs) {
      findings.error(
        "hyperparameters",
        "the \(constant.name) is \(Text.significant(constant.ours)), the reference's "
          + "\(Text.significant(constant.theirs)): the model computes something else; convert it "
          + "again with the reference's configuration")
    }
  }

  /// Compares the angles by which positions turn queries and keys, wherever the models say how they
  /// are scaled: in keys, in a tensor, in a configuration.
  ///
  /// - Parameters:
  ///   - candidate: The candidate.
  ///   - reference: The reference.
  ///   - findings: Where to add what is found.
  /// - Throws: Reading errors.
  static func checkRotation(
    _ candidate: LlamaModel, against reference: LlamaModel, _ findings: inout FindingList
  ) throws(WeightmillError) {
    let (ours, theirs) = (candidate.configuration, reference.configuration)
    // Other bases and sizes are findings by themselves.
    guard ours.rotaryDimension == theirs.rotaryDimension,
      Float(ours.ropeBase) == Float(theirs.ropeBase)
    else { return }
    let (left, right) = (try RotaryFrequencies(candidate), try RotaryFrequencies(reference))
    let pairs = zip(
      left.values + left.beyond + [left.magnitude], right.values + right.beyond + [right.magnitude])
    // Factors are binary32 in GGUF files.
    let differs = pairs.contains { abs($0 - $1) > 1e-5 * abs($1) }
    let switches = left.values != left.beyond && left.limit != right.limit
    guard differs || switches else { return }
    var remedy = "convert it again with the reference's configuration"
    if case (.yarn, .yarn) = (ours.rotaryScaling, theirs.rotaryScaling) {
      remedy = "a GGUF file says no constants of YaRN but its factor and original length"
    }
    findings.error(
      "hyperparameters",
      "the rotary angles are scaled in another way (\(ours.rotaryScaling.name)) than the reference's "
        + "(\(theirs.rotaryScaling.name)): the model computes something else; \(remedy)")
  }
}
