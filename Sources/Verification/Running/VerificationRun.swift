import WeightmillConversion
import WeightmillLLaMA
import WeightmillModels
import WeightmillOutput
public import WeightmillTensors
import WeightmillTokenization

/// One verification: opens both sides, measures, and puts a report together.
public struct VerificationRun: Sendable {
  /// A stage of a run.
  public enum Stage: Sendable {
    /// Looks for what is wrong with the candidate's file.
    case checking
    /// Runs both models over the tokens.
    case comparing
    /// Measures which tensors the divergence comes from.
    case attributing
  }

  /// The model or the logits that the candidate is judged by.
  private enum Side {
    case model(LoadedModel)
    case saved(any SavedLogits)
  }

  /// Every file that is read: none of them may be written to.
  public let inputs: [String]
  /// Remarks for the user.
  public let notes: [String]
  private let request: VerificationRequest
  private let candidate: LoadedModel
  private let reference: Side
  private let evaluation: EvaluationInput.CutTexts

  /// Opens what a request names.
  ///
  /// - Parameter request: What is to be verified.
  /// - Throws: The errors of the formats; `usage` for what does not go together, `mismatch` for models
  ///   or texts that do not.
  public init(_ request: VerificationRequest) throws(WeightmillError) {
    self.request = request
    candidate = try ModelLoader.load(request.candidate)
    reference = try Self.reference(request, candidate)
    // What cannot be compared is refused before texts are read.
    _ = try Self.comparison(request, candidate, reference, Workers(threads: 1))
    switch reference {
    case .model(let model):
      evaluation = try Self.cut(request, candidate, model)
      notes =
        candidate.notes + (model.origins == candidate.origins ? [] : model.notes)
        + Self.contextNotes(request.evaluation.context, model.llama.configuration)
        + evaluation.notes(
          bos: (model.tokenizer ?? candidate.tokenizer)?.vocabulary.special.addedBOS)
      inputs = candidate.files + model.files + request.evaluation.files + request.otherInputs
    case .saved(let logits):
      evaluation = try Self.cut(request, candidate, logits)
      notes = candidate.notes
      inputs = candidate.files + [logits.location] + request.evaluation.files + request.otherInputs
    }
  }

  private static func reference(
    _ request: VerificationRequest, _ candidate: LoadedModel
  ) throws(WeightmillError) -> Side {
    guard let wanted = request.reference else {
      guard request.attribution == nil, request.savedLogits != nil else {
        throw WeightmillError(
          .usage, request.candidate.path, "cannot be judged by itself",
          remedy: "give a reference, or a file to save the logits in")
      }
      return .model(candidate)
    }
    let merges = wanted.delta != nil || !wanted.adapters.isEmpty
    guard !merges,
      let saved = try SavedLogitsFile.open(
        wanted.path, bos: candidate.tokenizer?.vocabulary.special.addedBOS)
    else { return .model(try ModelLoader.load(wanted)) }
    guard request.attribution == nil, request.savedLogits == nil else {
      throw WeightmillError(
        .usage, wanted.path, "holds saved logits, without the model's weights",
        remedy: "leave out --attribute and --save-logits, or give the model")
    }
    return .saved(saved)
  }

  private static func comparison(
    _ request: VerificationRequest, _ candidate: LoadedModel, _ reference: Side, _ workers: Workers
  ) throws(WeightmillError) -> ModelComparison {
    let source: ModelComparison.Reference =
      switch reference {
      case .model(let model): .model(model.llama)
      case .saved(let logits): .saved(logits)
      }
    return try ModelComparison(
      candidate: candidate.llama, reference: source, workers: workers, precision: request.precision)
  }

  private static func contextNotes(_ context: Int, _ model: LlamaConfiguration) -> [String] {
    guard context > model.contextLength else { return [] }
    return [
      "the model was trained on \(model.contextLength) tokens at once: "
        + "windows of \(context) say little"
    ]
  }
}

// MARK: - Texts

extension VerificationRun {
  /// The texts that both models read.
  private static func cut(
    _ request: VerificationRequest, _ candidate: LoadedModel, _ model: LoadedModel
  ) throws(WeightmillError) -> EvaluationInput.CutTexts {
    guard !request.evaluation.sources.isEmpty else {
      throw WeightmillError(
        .usage, request.candidate.path, "cannot be compared without a text",
        remedy: "give --text, --prompt or --tokens")
    }
    return try request.evaluation.cut(
      reference: model.tokenizer, candidate: candidate.tokenizer,
      missing: missingTokenizer([model, candidate], request.candidate.path),
      vocabularyRows: candidate.llama.configuration.vocabularyRows)
  }

  /// The error when texts are given and no model has a tokenizer.
  private static func missingTokenizer(
    _ models: [LoadedModel], _ location: String
  ) -> WeightmillError {
    models.lazy.compactMap(\.tokenizerObstacle).first
      ?? WeightmillError(
        .mismatch, location, "has no tokenizer that Weightmill can use",
        remedy: "give ids with --tokens")
  }

  /// The texts of saved logits; the candidate must see them as the reference did.
  private static func cut(
    _ request: VerificationRequest, _ candidate: LoadedModel, _ logits: any SavedLogits
  ) throws(WeightmillError) -> EvaluationInput.CutTexts {
    var cut = EvaluationInput.CutTexts()
    cut.texts = logits.texts
    guard !request.evaluation.sources.isEmpty else { return cut }
    let given = try request.evaluation.cut(
      reference: nil, candidate: candidate.tokenizer,
      missing: missingTokenizer([candidate], candidate.llama.catalogue.location),
      vocabularyRows: logits.vocabularyRows
    ).texts
    guard given.map(\.windows) == logits.texts.map(\.windows) else {
      let ids = given.flatMap { $0.windows.flatMap(\.tokens) }
      let saved = logits.texts.flatMap { $0.windows.flatMap(\.tokens) }
      let index = zip(ids, saved).enumerated().first { $0.element.0 != $0.element.1 }?.offset
      throw WeightmillError(
        .mismatch, logits.location, "was saved for other tokens or windows than the text gives",
        at: index.map { "token \($0): \(saved[$0]), not \(ids[$0])" }
          ?? "\(saved.count) tokens, not \(ids.count)",
        remedy: "give the same text, --context and --second-half, or no text at all")
    }
    cut.tokenizers = .init(agree: true, difference: nil)
    return cut
  }

  /// The length of the windows; saved logits bring their own.
  private var context: Int {
    guard case .saved = reference else { return request.evaluation.context }
    return evaluation.texts.flatMap { $0.windows.map(\.tokens.count) }.max() ?? 0
  }

  private var isSecondHalf: Bool {
    guard case .saved = reference else { return request.evaluation.isSecondHalf }
    return evaluation.texts.contains { $0.windows.contains { $0.judged.lowerBound > 0 } }
  }
}

// MARK: - Measuring

extension VerificationRun {
  /// Measures, and judges by the limits unless it was interrupted.
  ///
  /// - Parameters:
  ///   - workers: The threads.
  ///   - cancellation: A way to stop: what was measured until then is reported as partial.
  ///   - progress: Called with what is done and the share of it that is done, 0 to 1.
  /// - Returns: The report.
  /// - Throws: Reading errors; `interrupted` when nothing was measured yet; `mismatch` when a model
  ///   predicts no numbers, or the gate's baseline was measured on other texts; `cannotWrite` and
  ///   `inputOutput` for what is to be saved.
  public func report(
    workers: Workers, cancellation: Cancellation = Cancellation(),
    progress: (Stage, Double) -> Void = { _, _ in }
  ) throws(WeightmillError) -> VerificationReport {
    let findings = try checkFile(workers, cancellation) { progress(.checking, $0) }
    let result = try compare(workers, cancellation) { progress(.comparing, $0) }
    guard let total = result.total else {
      throw WeightmillError(.internal, request.candidate.path, "was measured without a figure")
    }
    var report = VerificationReport(
      version: Weightmill.version,
      candidate: Self.subject(candidate, name: request.candidate.path),
      reference: referenceSubject,
      settings: .init(
        context: context, isSecondHalf: isSecondHalf, precision: "\(request.precision)"),
      texts: [], total: total)
    report.findings = findings
    report.tokenizers = evaluation.tokenizers
    let tokenizer =
      if case .model(let model) = reference { model.tokenizer ?? candidate.tokenizer } else {
        candidate.tokenizer
      }
    report.fill(from: result, candidate: candidate.llama, tokenizer: tokenizer)
    try attribute(result, workers, cancellation, into: &report) { progress(.attributing, $0) }
    if !report.isPartial { try request.gate.judge(&report) }
    return report
  }

  /// Looks for what is wrong with the candidate's file.
  private func checkFile(
    _ workers: Workers, _ cancellation: Cancellation, _ progress: (Double) -> Void
  ) throws(WeightmillError) -> [Finding] {
    var origin: LoadedModel?
    if case .model(let model) = reference, request.reference != nil { origin = model }
    return try FileChecks(candidate: candidate, reference: origin, workers: workers)
      .findings(cancellation: cancellation, progress: progress)
  }

  private func compare(
    _ workers: Workers, _ cancellation: Cancellation, _ progress: (Double) -> Void
  ) throws(WeightmillError) -> ComparisonResult {
    let comparison = try Self.comparison(request, candidate, reference, workers)
    var writer: LogitsWriter?
    if let output = request.savedLogits {
      writer = try LogitsWriter(
        output.path, texts: evaluation.texts, vocabularyRows: comparison.vocabularyRows,
        origin: referenceSubject.name, overwrite: output.overwrite, inputs: inputs)
    }
    if let output = request.savedPositions {
      try OutputFile.check(output.path, overwrite: output.overwrite, inputs: inputs)
    }
    let result = try comparison.run(
      evaluation.texts, saving: writer, cancellation: cancellation, progress: progress)
    if !result.isPartial {
      try writer?.commit(cancellation)
      if let output = request.savedPositions {
        try PositionsFile(result).write(
          output.path, overwrite: output.overwrite, inputs: inputs)
      }
    }
    return result
  }

  private func attribute(
    _ result: ComparisonResult, _ workers: Workers, _ cancellation: Cancellation,
    into report: inout VerificationReport, _ progress: (Double) -> Void
  ) throws(WeightmillError) {
    guard let wanted = request.attribution, !result.isPartial, case .model(let model) = reference
    else { return }
    let found = try DivergenceAttribution(
      candidate: candidate.llama, reference: model.llama, grouping: wanted.grouping,
      workers: workers, precision: request.precision
    ).run(
      evaluation.texts, tokens: wanted.tokens, roles: result.differingTensors,
      cancellation: cancellation, progress: progress)
    report.attribution = found.groups
    report.attributionTokens = found.tokens
    report.isPartial = found.isPartial
  }

  private var referenceSubject: VerificationReport.Subject {
    switch reference {
    case .model(let model): Self.subject(model, name: model.llama.catalogue.location)
    case .saved(let logits):
      .init(
        name: logits.origin.map { "\(logits.location) (\($0))" } ?? logits.location, bytes: nil,
        parameters: nil, types: [:])
    }
  }

  private static func subject(_ model: LoadedModel, name: String) -> VerificationReport.Subject {
    let catalogue = model.llama.catalogue
    return .init(
      name: name, bytes: catalogue.byteCount, parameters: catalogue.parameterCount,
      types: Dictionary(grouping: catalogue.tensors, by: \.type.name).mapValues(\.count))
  }
}

extension VerificationRun {
  /// Measures beside other tasks: `report(workers:cancellation:progress:)` as an asynchronous call.
  ///
  /// When the task is cancelled, what was measured until then is reported as partial.
  ///
  /// - Parameters:
  ///   - workers: The threads.
  ///   - progress: Called, from another thread, with what is done and the share of it that is done, 0 to 1.
  /// - Returns: The report.
  /// - Throws: As `report(workers:cancellation:progress:)`.
  public func report(
    workers: Workers, progress: @escaping @Sendable (Stage, Double) -> Void = { _, _ in }
  ) async throws(WeightmillError) -> VerificationReport {
    try await Cancellation.perform { (cancellation) throws(WeightmillError) in
      try report(workers: workers, cancellation: cancellation, progress: progress)
    }
  }
}
