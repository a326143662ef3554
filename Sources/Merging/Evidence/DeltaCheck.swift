package import WeightmillLLaMA
package import WeightmillTensors

/// Whether a base and a delta belong together, asked before a byte is written.
package enum DeltaCheck {
  /// Checks names, shapes and types of both sides, and what the values can tell.
  ///
  /// - Parameters:
  ///   - base: The base.
  ///   - delta: The delta.
  ///   - forced: The delta's family, if it is not to be recognised.
  ///   - hasVision: Whether the delta came with tensors of a vision part.
  ///   - forcesBase: Whether values that speak against the merge are reported only.
  /// - Returns: The family, and what the user should know: how it was found, the evidence, types
  ///   that had to be rounded.
  /// - Throws: `mismatch`, naming every tensor that does not fit, or the evidence.
  package static func check(
    base: LlamaModel, delta: LlamaModel, kind forced: DeltaKind? = nil, hasVision: Bool = false,
    forcesBase: Bool = false
  ) throws(WeightmillError) -> (kind: DeltaKind, notes: [String]) {
    try checkShapes(base: base, delta: delta)
    try checkTypes(base)
    try checkTypes(delta)
    let evidence = try MergeEvidence(base: base, delta: delta, hasVision: hasVision)
    // Embeddings that tell nothing are whole ones, of another model.
    let kind = forced ?? evidence.recognised ?? .ziya
    let contradictions = evidence.contradictions(kind)
    if let first = contradictions.first, !forcesBase { throw first }
    try checkHeights(kind, base: base, delta: delta)
    let notes =
      evidence.notes(kind, isForced: forced != nil)
      + contradictions.map { "merged all the same: \($0.file) \($0.problem)" }
      + constantNotes(base, delta)
    guard kind.type == .f16 else { return (kind, notes) }
    return (kind, notes + typeNotes(base, "base") + typeNotes(delta, "delta"))
  }

  private static func checkShapes(base: LlamaModel, delta: LlamaModel) throws(WeightmillError) {
    var faults: [TensorFault] = []
    for role in delta.commonRoles {
      let name = NamingScheme.huggingFace.name(of: role, in: delta.architecture)
      guard let ours = base.tensor(role), let theirs = delta.tensor(role) else {
        faults.append(TensorFault(name, "is not in the base"))
        continue
      }
      // The delta brings embeddings of its own, of any height.
      let differs =
        role == .tokenEmbedding || role == .output
        ? ours.shape.columns != theirs.shape.columns : ours.shape != theirs.shape
      if differs {
        faults.append(
          TensorFault(name, "is \(ours.shape) in the base, \(theirs.shape) in the delta"))
      }
    }
    for role in base.commonRoles where delta.tensor(role) == nil {
      let name = NamingScheme.huggingFace.name(of: role, in: base.architecture)
      faults.append(TensorFault(name, "is not in the delta"))
    }
    let (ours, theirs) = (base.configuration, delta.configuration)
    guard faults.isEmpty, ours.headCount == theirs.headCount,
      ours.keyValueHeadCount == theirs.keyValueHeadCount
    else {
      let heads =
        "\(ours.headCount) heads (\(ours.keyValueHeadCount) for keys and values) in the base, "
        + "\(theirs.headCount) (\(theirs.keyValueHeadCount)) in the delta"
      throw WeightmillError(
        .mismatch, delta.catalogue.location,
        "does not fit the base \(base.catalogue.location): "
          + (faults.isEmpty ? heads : TensorFault.summary(faults)),
        remedy: "use the base the delta was made for (Ziya-LLaMA-13B: LLaMA 1, 13B)")
    }
  }

  /// An additive delta has the base's rows, and more only where there is a rule for them.
  private static func checkHeights(
    _ kind: DeltaKind, base: LlamaModel, delta: LlamaModel
  ) throws(WeightmillError) {
    let ours = base.configuration.vocabularyRows
    let theirs = delta.configuration.vocabularyRows
    if kind == .ziya || ours == theirs || (kind.grows && ours < theirs) { return }
    throw WeightmillError(
      .mismatch, delta.catalogue.location,
      "has \(theirs) embedding rows, the base \(ours), which does not go with the kind "
        + kind.rawValue,
      remedy: "another kind may, or another base")
  }

  private static func checkTypes(_ model: LlamaModel) throws(WeightmillError) {
    for tensor in model.catalogue.tensors where !ScalarRows.encodable.contains(tensor.type) {
      guard let role = model.scheme.role(of: tensor.name, in: model.architecture) else { continue }
      if case .rotaryFrequencies = role { continue }
      throw WeightmillError(
        .unsupported, model.catalogue.location,
        "tensor \(quoted(tensor.name)) is of type \(tensor.type.name), which cannot be merged",
        remedy: "give weights in F16, BF16 or F32")
    }
  }

  /// LLaMA 1 and Llama 2 have the same shapes at 13B, but not the same epsilon.
  private static func constantNotes(_ base: LlamaModel, _ delta: LlamaModel) -> [String] {
    let (ours, theirs) = (base.configuration, delta.configuration)
    let scaling =
      ours.rotaryScaling == theirs.rotaryScaling
      ? []
      : [
        "the base's rotary angles are scaled otherwise than the delta's, whose configuration is the "
          + "model's: is it the right base?"
      ]
    guard ours.normEpsilon != theirs.normEpsilon || ours.ropeBase != theirs.ropeBase else {
      return scaling
    }
    return scaling + [
      "the base's norm epsilon \(ours.normEpsilon) and rope base \(ours.ropeBase) are not the "
        + "delta's, \(theirs.normEpsilon) and \(theirs.ropeBase): is it the right base?"
    ]
  }

  private static func typeNotes(_ model: LlamaModel, _ side: String) -> [String] {
    let types = Set(model.commonRoles.compactMap { model.tensor($0)?.type }).subtracting([.f16])
    return types.map(\.name).sorted().map { type in
      "the \(side)'s \(type) tensors were rounded to F16 before the addition"
    }
  }
}
