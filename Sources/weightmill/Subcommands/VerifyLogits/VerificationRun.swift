import Conversion
import LLaMA
import Models
import Presentation
import Tensors
import Tokenization
import Verification

/// One run of `verify-logits`: opens both sides, measures, and puts a report together.
struct VerificationRun {
  /// What the candidate is judged by.
  private enum Side {
    case model(LoadedModel)
    case saved(any SavedLogits)
  }

  /// The limits.
  let gate: LogitGate
  /// Every file that is read.
  let inputs: [String]
  private let command: Subcommands.VerifyLogits
  private let candidate: LoadedModel
  private let reference: Side
  private let texts: [EvaluationText]
  private let tokenizers: VerificationReport.TokenizerResult?
  private let comparison: ModelComparison

  /// Opens what the command names.
  init(_ command: Subcommands.VerifyLogits) throws(WeightmillError) {
    self.command = command
    gate = try command.limits.gate()
    candidate = try ModelLoader.load(command.candidate)
    reference = try Self.reference(command, candidate)
    comparison = try Self.comparison(command, candidate, reference)
    let evaluation = command.evaluation
    switch reference {
    case .model(let model):
      guard !evaluation.isEmpty else {
        throw WeightmillError(
          .usage, command.candidate, "cannot be compared without a text",
          remedy: "give --text, --prompt or --tokens")
      }
      (texts, tokenizers) = try evaluation.evaluationTexts(
        reference: model.tokenizer, candidate: candidate.tokenizer,
        missing: Self.missingTokenizer([model, candidate], command.candidate),
        vocabularyRows: candidate.llama.configuration.vocabularyRows)
      inputs = candidate.files + model.files + evaluation.files + command.limits.files
      command.common.printNotes(
        candidate.notes + (model.origins == candidate.origins ? [] : model.notes))
      command.common.printNotes(Self.contextNotes(evaluation.context, model.llama.configuration))
      let tokenizer = model.tokenizer ?? candidate.tokenizer
      command.common.printNotes(
        evaluation.tokenNotes(texts, bos: tokenizer?.vocabulary.special.addedBOS))
    case .saved(let logits):
      (texts, tokenizers) = try Self.texts(evaluation, logits, candidate)
      inputs = candidate.files + [logits.location] + evaluation.files + command.limits.files
      command.common.printNotes(candidate.notes)
    }
    try command.reporting.check(inputs: inputs)
  }

  private static func reference(
    _ command: Subcommands.VerifyLogits, _ candidate: LoadedModel
  ) throws(WeightmillError) -> Side {
    guard let path = command.reference else { return .model(candidate) }
    let bos = candidate.tokenizer?.vocabulary.special.addedBOS
    guard !command.merging.merges, let saved = try SavedLogitsFile.open(path, bos: bos) else {
      return .model(try ModelLoader.load(command.merging.request(path)))
    }
    let asked = command.reporting
    guard !asked.attribute, asked.saveLogits == nil else {
      throw WeightmillError(
        .usage, path, "holds saved logits, without the model's weights",
        remedy: "leave out --attribute and --save-logits, or give the model")
    }
    return .saved(saved)
  }

  /// The texts of saved logits; the candidate must see them as the reference did.
  private static func texts(
    _ evaluation: EvaluationOptions, _ logits: any SavedLogits, _ candidate: LoadedModel
  ) throws(WeightmillError) -> ([EvaluationText], VerificationReport.TokenizerResult?) {
    guard !evaluation.isEmpty else { return (logits.texts, nil) }
    let (given, _) = try evaluation.evaluationTexts(
      reference: nil, candidate: candidate.tokenizer,
      missing: missingTokenizer([candidate], candidate.llama.catalogue.location),
      vocabularyRows: logits.vocabularyRows)
    guard given.map(\.windows) == logits.texts.map(\.windows) else {
      let ids = given.flatMap { $0.windows.flatMap(\.tokens) }
      let saved = logits.texts.flatMap { $0.windows.flatMap(\.tokens) }
      let place = zip(ids, saved).enumerated().first { $0.element.0 != $0.element.1 }?.offset
      throw WeightmillError(
        .mismatch, logits.location, "was saved for other tokens or windows than the text gives",
        at: place.map { "token \($0): \(saved[$0]), not \(ids[$0])" }
          ?? "\(saved.count) tokens, not \(ids.count)",
        remedy: "give the same text, --context and --second-half, or no text at all")
    }
    return (logits.texts, .init(agree: true, difference: nil))
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

  private static func comparison(
    _ command: Subcommands.VerifyLogits, _ candidate: LoadedModel, _ reference: Side
  ) throws(WeightmillError) -> ModelComparison {
    let source: ModelComparison.Reference =
      switch reference {
      case .model(let model): .model(model.llama)
      case .saved(let logits): .saved(logits)
      }
    return try ModelComparison(
      candidate: candidate.llama, reference: source, workers: command.common.workers,
      precision: command.reporting.precision)
  }

  private static func contextNotes(_ context: Int, _ model: LlamaConfiguration) -> [String] {
    guard context > model.contextLength else { return [] }
    return [
      "the model was trained on \(model.contextLength) tokens at once: "
        + "windows of \(context) say little"
    ]
  }

  // MARK: Measuring

  /// Measures.
  func report(_ cancellation: Cancellation) throws(WeightmillError) -> VerificationReport {
    let findings = try checkFile(cancellation)
    let result = try compare(cancellation)
    guard let total = result.total else {
      throw WeightmillError(.internal, command.candidate, "was measured without a figure")
    }
    var report = VerificationReport(
      version: Weightmill.version, candidate: Self.subject(candidate, name: command.candidate),
      reference: referenceSubject,
      settings: .init(
        context: context, isSecondHalf: isSecondHalf,
        precision: "\(command.reporting.precision)"),
      texts: [], total: total)
    report.findings = findings
    report.tokenizers = tokenizers
    let tokenizer =
      if case .model(let model) = reference { model.tokenizer ?? candidate.tokenizer } else {
        candidate.tokenizer
      }
    report.fill(from: result, candidate: candidate.llama, tokenizer: tokenizer)
    try attribute(result, cancellation, into: &report)
    return report
  }

  /// Looks for what is wrong with the candidate's file.
  private func checkFile(
    _ cancellation: Cancellation
  ) throws(WeightmillError) -> [Finding] {
    var origin: LoadedModel?
    if case .model(let model) = reference, command.reference != nil { origin = model }
    let line = ProgressLine("checking", options: command.common)
    defer { line.finish() }
    return try FileChecks(
      candidate: candidate, reference: origin, workers: command.common.workers
    ).findings(cancellation: cancellation) { line.update(share: $0) }
  }

  private func compare(_ cancellation: Cancellation) throws(WeightmillError) -> ComparisonResult {
    var writer: LogitsWriter?
    if let path = command.reporting.saveLogits {
      writer = try LogitsWriter(
        path, texts: texts, vocabularyRows: candidate.llama.configuration.vocabularyRows,
        origin: referenceSubject.name, overwrite: command.reporting.force, inputs: inputs)
    }
    let line = ProgressLine("comparing", options: command.common)
    defer { line.finish() }
    let result = try comparison.run(texts, saving: writer, cancellation: cancellation) {
      line.update(share: $0)
    }
    if !result.isPartial { try writer?.commit(cancellation) }
    return result
  }

  private func attribute(
    _ result: ComparisonResult, _ cancellation: Cancellation, into report: inout VerificationReport
  ) throws(WeightmillError) {
    guard command.reporting.attribute, !result.isPartial, case .model(let model) = reference else {
      return
    }
    let line = ProgressLine("attributing", options: command.common)
    defer { line.finish() }
    let found = try DivergenceAttribution(
      candidate: candidate.llama, reference: model.llama,
      grouping: command.reporting.attributeBy.value, workers: command.common.workers,
      precision: command.reporting.precision
    ).run(
      texts, tokens: command.reporting.attributeTokens, roles: result.differingTensors,
      cancellation: cancellation
    ) { line.update(share: $0) }
    report.attribution = found.groups
    report.attributionTokens = found.tokens
    report.isPartial = found.isPartial
  }

  // MARK: Names

  /// The length of the windows; saved logits bring their own.
  private var context: Int {
    guard case .saved = reference else { return command.evaluation.context }
    return texts.flatMap { $0.windows.map(\.tokens.count) }.max() ?? 0
  }

  private var isSecondHalf: Bool {
    guard case .saved = reference else { return command.evaluation.secondHalf }
    return texts.contains { $0.windows.contains { $0.judged.lowerBound > 0 } }
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
