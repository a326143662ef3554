public import WeightmillCalibration
package import WeightmillLLaMA
public import WeightmillModels
public import WeightmillQuantization
public import WeightmillTensors
import WeightmillTokenization

/// Measures what each type costs each matrix of a model.
///
/// First text goes through the model, and beside it through the model in each type, for the errors of each
/// matrix in each type. Then each matrix alone is quantized to one type, and the text goes on to the end: as
/// many streams side by side as memory has room for. What is measured by then is kept after each such group.
public struct SensitivityRun: Sendable {
  /// The types that are tried unless others are asked for, those with fewer bits first.
  public static let usualTypes: [TensorType] = [
    .q2_K, .q3_K, .iq4_XS, .q4_K, .q5_K, .q6_K, .q8_0,
  ]
  /// By how many tokens each matrix is measured, unless another number is asked for.
  package static let usualSample = 1024
  /// How many bytes the streams may take, unless another number is asked for.
  package static let usualMemory = 1 << 30

  private let reference: ForwardPass
  private let encoder: MatrixEncoder
  private let matrices: [ModelMatrix]
  private let origin: Sensitivities.Origin
  private let text: MeasuredText
  private let sample: MeasuredText
  private let groupSize: Int
  private let workers: Workers
  /// What it will take.
  package let cost: SensitivityCost

  /// Prepares a run.
  ///
  /// - Parameters:
  ///   - model: The model, in the names of GGUF files.
  ///   - importance: What guides the encoders.
  ///   - text: The windows that go through the model in each type: they tell how large divergences are.
  ///   - sample: The windows that go through models of one quantized matrix each: they tell how divergences
  ///     of matrices compare, for which few tokens do.
  ///   - types: The types that are tried.
  ///   - memory: How many bytes the streams may take.
  ///   - workers: The threads.
  /// - Throws: `mismatch` when there is no text; reading errors.
  package init(
    _ model: LlamaModel, importance: ImportanceMatrix?, text: CalibrationText,
    sample: CalibrationText, types: [TensorType], memory: Int, workers: Workers
  ) throws(WeightmillError) {
    reference = ForwardPass(model, workers: workers)
    encoder = MatrixEncoder(model: model, importance: importance, workers: workers)
    matrices = ModelMatrix.all(of: model)
    self.text = MeasuredText(text.windows.windows)
    self.sample = MeasuredText(sample.windows.windows)
    self.workers = workers
    guard !self.text.tokens.isEmpty, !self.sample.tokens.isEmpty else {
      throw WeightmillError(
        .mismatch, model.catalogue.location,
        "cannot be measured with this text: \(text.leftOut) tokens do not fill a window of "
          + "\(text.context)", remedy: "give more text, or a smaller --context")
    }
    origin = try Sensitivities.Origin(
      model, importance: importance, text: text, sample: sample, types: types)
    let stream = (self.sample.tokens.count + 16) * model.configuration.hiddenSize * 4
    groupSize = max(1, memory / stream)
    cost = SensitivityCost(
      model, matrices, tokens: (self.text.tokens.count, self.sample.tokens.count),
      types: types.count, groupSize: min(groupSize, matrices.count))
  }

  /// Prepares a run.
  ///
  /// Of the text, 1,024 tokens go through the model with each matrix in one type, twice as many through the model in
  /// each type.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - importance: What guides the encoders: that which the file will be written with.
  ///   - text: The text, in windows.
  ///   - types: The types that are tried.
  ///   - workers: The threads.
  /// - Throws: `mismatch` when there is no text; reading errors.
  public init(
    _ model: LoadedModel, importance: ImportanceMatrix?, text: CalibrationText,
    types: [TensorType] = SensitivityRun.usualTypes, workers: Workers
  ) throws(WeightmillError) {
    try self.init(
      try model.llama.inGGUFOrder(), importance: importance,
      text: text.spread(tokens: 2 * Self.usualSample),
      sample: text.sampled(tokens: Self.usualSample),
      types: types, memory: Self.usualMemory, workers: workers)
  }

  /// Measures beside other tasks; it stops when the task is cancelled.
  ///
  /// - Parameter progress: Called, from another thread, with the share of the work that is done.
  /// - Returns: What was measured; `SensitivityFile` keeps it.
  /// - Throws: `mismatch` when the model predicts no numbers; `interrupted`; reading errors.
  public func run(
    progress: @escaping @Sendable (Double) -> Void = { _ in }
  ) async throws(WeightmillError) -> Sensitivities {
    try await Cancellation.perform { (cancellation) throws(WeightmillError) in
      try run(until: cancellation, progress: progress)
    }
  }

  /// Measures.
  ///
  /// - Parameters:
  ///   - earlier: What an interrupted run has measured.
  ///   - cancellation: A way to stop it.
  ///   - save: Keeps what is measured by now.
  ///   - progress: Called with the share of the work that is done.
  /// - Returns: What was measured.
  /// - Throws: `mismatch` when the earlier run measured something else, or the model predicts no numbers;
  ///   `interrupted`; reading errors.
  package func run(
    resuming earlier: Sensitivities? = nil, until cancellation: Cancellation = Cancellation(),
    saving save: (Sensitivities) throws(WeightmillError) -> Void = { _ in },
    progress: (Double) -> Void = { _ in }
  ) throws(WeightmillError) -> Sensitivities {
    if let earlier, let difference = origin.difference(from: earlier.origin) {
      throw WeightmillError(
        .mismatch, reference.model.catalogue.location,
        "is not measured as it was begun: \(difference)", remedy: "begin anew without --resume")
    }
    var found: Sensitivities
    if let earlier {
      found = earlier
    } else {
      found = try errors(until: cancellation, progress)
      try save(found)
    }
    while let group = nextGroup(found) {
      var members: [(matrix: ModelMatrix, type: TensorType)] = []
      for index in group { members.append((matrices[index], found.matrices[index].probe)) }
      let streams = SingleMatrices(
        reference: reference, encoder: encoder, text: sample, workers: workers)
      let divergences = try streams.divergences(members) { (layer) throws(WeightmillError) in
        try cancellation.check(reference.model.catalogue.location, "measured")
        progress(cost.share(group, behind: layer))
      }
      for (index, divergence) in zip(group, divergences) {
        found.matrices[index].divergence = divergence
      }
      try save(found)
    }
    return found
  }

  private func nextGroup(_ found: Sensitivities) -> Range<Int>? {
    guard let first = found.matrices.firstIndex(where: { $0.divergence == nil }) else { return nil }
    return first..<min(first + groupSize, matrices.count)
  }

  private func errors(
    until cancellation: Cancellation, _ progress: (Double) -> Void
  ) throws(WeightmillError) -> Sensitivities {
    let walk = TypeErrors(
      reference: reference, encoder: encoder, matrices: matrices, types: origin.types, text: text,
      workers: workers)
    let result = try walk.run { (layer) throws(WeightmillError) in
      try cancellation.check(reference.model.catalogue.location, "measured")
      progress(cost.share(ofErrorsBehind: layer))
    }
    var found: [Sensitivities.Matrix] = []
    for (matrix, errors) in zip(matrices, result.errors) {
      guard let probe = Self.probe(errors) else {
        throw WeightmillError(
          .unsupported, reference.model.catalogue.location,
          "tensor \(quoted(matrix.tensor.name)) holds values that are too large for each of the types",
          remedy: "add f16, bf16 or f32 to --types")
      }
      found.append(
        Sensitivities.Matrix(
          name: matrix.tensor.name, rows: matrix.tensor.shape.rows,
          columns: matrix.tensor.shape.columns, errors: errors, probe: probe, divergence: nil))
    }
    return Sensitivities(origin: origin, matrices: found, uniform: result.uniform)
  }

  /// The type in which a matrix alone is rounded: coarse enough to be seen, not so coarse that what it does
  /// is out of proportion to its error.
  private static func probe(_ errors: [TensorType: Double]) -> TensorType? {
    let wanted = TensorType.q3_K.bitsPerValue
    return errors.keys.sorted { $0.name < $1.name }
      .min { abs($0.bitsPerValue - wanted) < abs($1.bitsPerValue - wanted) }
  }
}
