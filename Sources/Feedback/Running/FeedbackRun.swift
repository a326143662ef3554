public import WeightmillCalibration
public import WeightmillConversion
import WeightmillLLaMA
public import WeightmillModels
public import WeightmillTensors
import WeightmillTokenization

/// Writes a plan's file with error feedback: layer by layer, by what text sends into each matrix.
///
/// When a column of a matrix is rounded, its error is made up for in the columns still to come, by the second
/// moments of the inputs. These are the inputs that the layers written so far give; what those did to them is
/// corrected in the weights. The bytes depend neither on the number of threads, nor on memory, nor on how
/// often the run was interrupted. Sources: `formats/feedback.md`.
package struct FeedbackRun: Sendable {
  /// What it will take.
  package let cost: FeedbackPlan
  private let plan: ConversionPlan
  private let text: CalibrationText
  private let reference: ForwardPass
  private let places: MatrixPlaces
  private let workers: Workers

  /// Prepares a run.
  ///
  /// - Parameters:
  ///   - plan: What is written: a GGUF file of a whole model.
  ///   - model: The model that the plan was made of.
  ///   - text: The text, in windows.
  ///   - memory: How many bytes of memory activations may take; the rest lies in a file beside the output.
  ///   - workers: The threads.
  /// - Throws: `mismatch` when the text does not fill two windows, or the plan leaves layers out.
  package init(
    _ plan: ConversionPlan, of model: LoadedModel, text: CalibrationText, memory: Int,
    workers: Workers
  ) throws(WeightmillError) {
    let whole = try LlamaModel(
      catalogue: plan.source, configuration: model.llama.configuration, scheme: .gguf)
    cost = try FeedbackPlan(plan, of: whole, text, memory: memory)
    self.plan = plan.guided(by: Self.guidance(text))
    self.text = text
    self.workers = workers
    reference = ForwardPass(whole, workers: workers)
    places = MatrixPlaces(plan, whole)
  }

  /// What the file says of the text.
  private static func guidance(_ text: CalibrationText) -> String {
    "error feedback 1, \(text.windows.tokenCount) tokens in windows of \(text.context) of "
      + "\(text.names.joined(separator: ", ")), sha256 \(text.digest.prefix(16))"
  }

  /// The progress of a run.
  package struct Progress: Sendable {
    /// The share that is done, by the arithmetic that it takes.
    package let share: Double
    /// The layer that is worked on, from 0.
    package let layer: Int
  }

  /// Writes the file; it appears under its name when it is complete.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - options: How the plan is executed.
  ///   - importance: Where the importance goes that is learnt on the way, if it is wanted.
  ///   - cancellation: A way to stop it.
  ///   - judge: As in `ConversionRun.write(to:_:judging:)`.
  ///   - progress: Called after each stage of each layer.
  /// - Returns: What was done.
  /// - Throws: As `ConversionRun.write(to:_:judging:)`.
  package func write(
    to path: String, _ options: RunOptions, importance: ImportanceOnTheWay? = nil,
    cancellation: Cancellation = Cancellation(),
    judging judge: ([HashedSource]) throws(WeightmillError) -> Void = { _ in },
    progress: @escaping @Sendable (Progress) -> Void = { _ in }
  ) throws(WeightmillError) -> FeedbackReport {
    let walk = FeedbackWalk(
      plan, reference, text, cost, places,
      .init(path: path, workers: workers, cancellation: cancellation, progress: progress),
      importance)
    let run = ConversionRun(plan, workers: workers, cancellation: cancellation)
    let conversion = try run.write(
      to: path, options, oneByOne: places.order,
      guidedBy: { (item, written) throws(WeightmillError) in try walk.guide(item, written) },
      judging: judge)
    return FeedbackReport(
      seconds: walk.seconds, matrices: walk.matrices, conversion: conversion)
  }

  /// Refuses an output that cannot be, or must not be, written; `write` does the same.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - options: How the plan is executed.
  /// - Throws: `cannotWrite` or `usage`; what stands in the plan's way.
  package func check(_ path: String, _ options: RunOptions) throws(WeightmillError) {
    if let obstacle = plan.obstacle { throw obstacle }
    try ConversionRun(plan, workers: workers).checkOutput(path, options)
  }
}

extension ConversionPlan {
  /// Writes the file with error feedback, beside other tasks: what a column of a matrix loses when it is rounded is
  /// made up for in the columns behind it, by what text sends into the matrix.
  ///
  /// The plan is made with `QuantizationOptions.isCalibrated`. The file has the size and the types of the plan; how
  /// long it takes goes with the size of the model and of the text: minutes for a small one, hours for 13B. It stops
  /// when the task is cancelled, and leaves then nothing, or with `resumes` what another run continues. The bytes
  /// depend neither on threads nor on memory. Source: `formats/feedback.md`.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - options: How the plan is executed.
  ///   - text: The text, in windows: 64,000 tokens or more are best.
  ///   - model: The model that the plan was made of.
  ///   - memory: How many bytes activations may take in memory; the rest lies in a file beside the output.
  ///   - workers: The threads.
  ///   - progress: Called, from another thread, with the share of the work that is done.
  /// - Returns: What was done.
  /// - Throws: `mismatch` when the text does not fill two windows, or the plan leaves layers out; else as
  ///   `write(to:_:workers:progress:)`.
  public func write(
    to path: String, _ options: RunOptions = RunOptions(), learningFrom text: CalibrationText,
    of model: LoadedModel, memory: Int = 1 << 30, workers: Workers,
    progress: @escaping @Sendable (Double) -> Void = { _ in }
  ) async throws(WeightmillError) -> FeedbackReport {
    try await Cancellation.perform { (cancellation) throws(WeightmillError) in
      let run = try FeedbackRun(self, of: model, text: text, memory: memory, workers: workers)
      try run.check(path, options)
      return try run.write(
        to: path, options, cancellation: cancellation, progress: { progress($0.share) })
    }
  }
}
