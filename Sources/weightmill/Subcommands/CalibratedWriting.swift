import WeightmillCalibration
import WeightmillConversion
import WeightmillFeedback
import WeightmillLLaMA
import WeightmillModels
import WeightmillOutput
import WeightmillPresentation
import WeightmillTensors
import WeightmillTokenization

/// Writes a plan with error feedback: reads or writes the text, says what it will take, and does it.
struct CalibratedWriting {
  let plan: ConversionPlan
  let model: LoadedModel
  let calibration: CalibrationOptions
  let output: String
  let writing: OutputOptions
  let common: CommonOptions

  /// What was done.
  struct Outcome {
    let report: FeedbackReport
    let summary: Summary
    let notes: [String]
  }

  /// The same for machines.
  struct Summary: Encodable {
    let tokens: Int
    let judgedTokens: Int
    let layers: Int
    let memory: Int
    let spilled: Int
    let matrices: [Matrix]
    /// The geometric mean of the matrices' errors, as a share of those without feedback.
    let error: Double?
    let seconds: FeedbackReport.Seconds

    struct Matrix: Encodable {
      let name: String
      let type: String
      /// Absent where the matrix was better without feedback.
      let damping: Double?
      let correction: Double
      let error: Double
    }
  }

  /// Checks everything that can be checked before minutes are spent.
  func check() throws(WeightmillError) {
    if let obstacle = plan.obstacle { throw obstacle }
    try ConversionRun(plan, workers: common.workers).checkOutput(output, writing.run)
    // Whether it may be replaced was asked above.
    try OutputFile.check(output, overwrite: true, inputs: otherInputs)
    let inputs = model.files + otherInputs
    try calibration.selfText.checkText(
      isNot: output, overwrite: writing.force, inputs: inputs, try model.requiredTokenizer())
    guard let path = calibration.saveImatrix else { return }
    try ImatrixWriter.checkOutput(path, overwrite: writing.force, inputs: inputs)
    try OutputFile.check(path, isNot: output)
    if let text = calibration.selfText.saveText { try OutputFile.check(path, isNot: text) }
  }

  /// What is read besides the model.
  private var otherInputs: [String] {
    reading.files
  }

  /// Prints what it would take, and computes nothing.
  ///
  /// Of text that the model would write, the number of tokens is known.
  func dryRun() throws {
    try check()
    let text = try reading.planned(for: model)
    let run = try prepared(text)
    common.printNotes([costs(run.cost)])
  }

  /// Writes the file.
  ///
  /// - Parameter judge: As in `ConversionRun.write(to:_:judging:)`.
  /// - Returns: What was done.
  /// - Throws: As `ConversionRun.write(to:_:judging:)`.
  func write(
    judging judge: ([HashedSource]) throws(WeightmillError) -> Void
  ) throws -> Outcome {
    try check()
    let text = try reading.read(
      for: model, overwrite: writing.force, inputs: model.files + otherInputs)
    let run = try prepared(text)
    let before = [costs(run.cost)] + leftOut(text)
    common.printNotes(before)
    let importance = calibration.saveImatrix.map { _ in
      ImportanceOnTheWay(model.llama.architecture)
    }
    let line = ProgressLine("calibrating", options: common)
    let report = try Interruption.during { cancellation in
      defer { line.finish() }
      let layers = run.cost.layers
      return try run.write(
        to: output, writing.run, importance: importance, cancellation: cancellation, judging: judge
      ) { progress in
        line.update(
          share: progress.share,
          "layer \(min(progress.layer + 1, layers)) of \(layers)")
      }
    }
    if let importance, let path = calibration.saveImatrix {
      try Interruption.during { cancellation in
        _ = try ImatrixWriter.write(
          importance.matrix(of: text), to: path, overwrite: writing.force, inputs: model.files,
          cancellation: cancellation)
      }
    }
    let after = notes(report)
    return Outcome(
      report: report, summary: summary(run.cost, report), notes: before + after)
  }

  private func prepared(_ text: CalibrationText) throws(WeightmillError) -> FeedbackRun {
    // Half of the machine's memory, unless less is asked for.
    let memory = writing.givenMemory ?? CommonOptions.physicalMemory / 2
    return try FeedbackRun(plan, of: model, text: text, memory: memory, workers: common.workers)
  }

  // MARK: Text

  private var reading: TextReading {
    TextReading(
      texts: calibration.texts, writing: calibration.selfText, options: calibration.options,
      common: common)
  }

  private func leftOut(_ text: CalibrationText) -> [String] {
    text.leftOut == 0
      ? []
      : [
        "left out: \(Text.grouped(text.leftOut)) tokens at the end of texts, which fill no window"
      ]
  }

  // MARK: Words

  /// What it will take, with an estimate of the time from what this machine does now.
  private func costs(_ plan: FeedbackPlan) -> String {
    let rate = MatrixSpeed.measured(common.workers)
    let spill =
      plan.spilled == 0
      ? "" : ", and \(Text.bytes(plan.spilled)) in a file beside the output"
    return
      "error feedback for \(Text.grouped(plan.matrices)) matrices in \(plan.layers) layers, by "
      + "\(Text.grouped(plan.learntTokens)) tokens, and \(Text.grouped(plan.judgedTokens)) to "
      + "judge by: "
      + "\(Text.bytes(plan.memory)) of memory\(spill), about "
      + "\(Text.duration(plan.operations / rate)) at \(Text.significant(rate / 1e9)) GFLOP/s"
  }

  private func notes(_ report: FeedbackReport) -> [String] {
    guard let error = report.error else { return [] }
    let plain = report.plain.map(\.name)
    let without =
      plain.isEmpty
      ? ""
      : "; \(plain.count) of \(report.matrices.count) were better without it: "
        + plain.prefix(3).joined(separator: ", ") + (plain.count > 3 ? ", …" : "")
    return [
      "on text that was not learnt from, the squared error of the matrices' outputs is "
        + "\(Text.fixed(100 * error, 1)) % of that without feedback (geometric mean)\(without)"
    ]
  }

  private func summary(_ plan: FeedbackPlan, _ report: FeedbackReport) -> Summary {
    Summary(
      tokens: plan.learntTokens, judgedTokens: plan.judgedTokens, layers: plan.layers,
      memory: plan.memory, spilled: plan.spilled,
      matrices: report.matrices.map {
        .init(
          name: $0.name, type: $0.type.name, damping: $0.choice.damping.map(Double.init),
          correction: Double($0.choice.correction), error: $0.choice.error)
      }, error: report.error, seconds: report.seconds)
  }
}
