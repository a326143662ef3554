internal import Synchronization
package import WeightmillOutput
import WeightmillQuantization
public import WeightmillTensors

/// The progress of a conversion.
public struct ConversionProgress: Sendable {
  /// Bytes of the output written.
  public let done: Int
  /// Bytes of the output in all.
  public let total: Int
}

/// Executes a plan: reads, converts and writes tiles of rows on several threads.
///
/// The bytes that are written depend neither on the number of threads nor on memory.
public struct ConversionRun: Sendable {
  private let plan: ConversionPlan
  private let workers: Workers
  private let cancellation: Cancellation
  private let progress: @Sendable (ConversionProgress) -> Void

  /// Prepares a run.
  ///
  /// - Parameters:
  ///   - plan: What to do.
  ///   - workers: The threads.
  ///   - cancellation: A way to stop it.
  ///   - progress: Called, from any thread, when a tile is written.
  public init(
    _ plan: ConversionPlan, workers: Workers, cancellation: Cancellation = Cancellation(),
    progress: @escaping @Sendable (ConversionProgress) -> Void = { _ in }
  ) {
    self.plan = plan
    self.workers = workers
    self.cancellation = cancellation
    self.progress = progress
  }

  /// Refuses an output that cannot be, or must not be, written; `write` does the same.
  ///
  /// - Parameters:
  ///   - path: The file or folder.
  ///   - options: How the plan is executed.
  /// - Throws: `cannotWrite` or `usage`; `unsupported` when the format cannot hold a tensor.
  package func checkOutput(_ path: String, _ options: RunOptions) throws(WeightmillError) {
    try OutputTarget(plan, path: path, options).check()
  }

  /// Refuses an output that cannot be, or must not be, written; `write` does the same.
  ///
  /// - Parameters:
  ///   - path: The file or folder.
  ///   - overwrite: Whether what is there may be replaced.
  /// - Throws: `cannotWrite` or `usage`; `unsupported` when the format cannot hold a tensor.
  package func checkOutput(_ path: String, overwrite: Bool) throws(WeightmillError) {
    var options = RunOptions()
    options.overwrites = overwrite
    try checkOutput(path, options)
  }

  /// Writes the output; it appears under its name when it is complete.
  ///
  /// - Parameters:
  ///   - path: The file or folder.
  ///   - overwrite: Whether what is there may be replaced; other files of a folder are left alone.
  ///   - isStrict: Whether a value that is not finite, or is lost beside a far larger one, is an
  ///     error.
  /// - Returns: What was done.
  /// - Throws: As `write(to:_:judging:)`.
  public func write(
    to path: String, overwrite: Bool, isStrict: Bool = false
  ) throws(WeightmillError) -> ConversionReport {
    var options = RunOptions()
    options.overwrites = overwrite
    options.isStrict = isStrict
    return try write(to: path, options)
  }

  /// Writes the output, or the part of it that is asked for; it appears under its name when it is
  /// complete.
  ///
  /// - Parameters:
  ///   - path: The file or folder.
  ///   - options: How the plan is executed.
  ///   - judge: Called when everything is written, with the files that were read; if it throws, nothing
  ///     is left.
  /// - Returns: What was done.
  /// - Throws: `cannotWrite`, `inputOutput`, `interrupted`; `malformed` for values that are not
  ///   finite where a block format cannot hold them, or anywhere if `isStrict`; `unsupported` for
  ///   those that are too large for their type, or lost if `isStrict`; `mismatch` when what an
  ///   interrupted run left is of other inputs or options; the errors of reading; what stands in the
  ///   plan's way.
  package func write(
    to path: String, _ options: RunOptions,
    judging judge: ([HashedSource]) throws(WeightmillError) -> Void
  ) throws(WeightmillError) -> ConversionReport {
    try perform(path, options, judging: judge) { (job) throws(WeightmillError) in
      try job.writeFiles()
    }
  }

  /// Writes the output, or the part of it that is asked for; it appears under its name when it is
  /// complete.
  ///
  /// - Parameters:
  ///   - path: The file or folder.
  ///   - options: How the plan is executed.
  /// - Returns: What was done.
  /// - Throws: As `write(to:_:judging:)`.
  public func write(
    to path: String, _ options: RunOptions
  ) throws(WeightmillError) -> ConversionReport {
    try write(to: path, options) { _ in }
  }

  /// Writes the output one tensor at a time, each with a guide that lives only that long.
  ///
  /// Work that learns a tensor's guide from the tensors before it, or cannot hold all guides at once,
  /// is written so. The journal is that of any run: a run that resumes asks for no guide of a tensor
  /// that is there. What guides is said of the plan, with `ConversionPlan.guided(by:)`: the guides
  /// themselves stand nowhere.
  ///
  /// - Parameters:
  ///   - path: The file or folder.
  ///   - options: How the plan is executed.
  ///   - order: The indices of the plan's items in the order in which they are written; items that
  ///     are not named follow in the plan's order.
  ///   - guide: What is known of an item when its turn comes, and what is written by then; `nil` is the
  ///     plan's own importance.
  ///   - judge: As in `write(to:_:judging:)`.
  /// - Returns: What was done.
  /// - Throws: As `write(to:_:judging:)`; what `guide` throws.
  package func write(
    to path: String, _ options: RunOptions, oneByOne order: [Int],
    guidedBy guide: (Int, WrittenTensors) throws(WeightmillError) -> TensorGuide?,
    judging judge: ([HashedSource]) throws(WeightmillError) -> Void = { _ in }
  ) throws(WeightmillError) -> ConversionReport {
    try perform(path, options, judging: judge) { (job) throws(WeightmillError) in
      try job.writeTensors(order, guidedBy: guide)
    }
  }

  private func perform(
    _ path: String, _ options: RunOptions,
    judging judge: ([HashedSource]) throws(WeightmillError) -> Void,
    _ work: (ConversionJob) throws(WeightmillError) -> Void
  ) throws(WeightmillError) -> ConversionReport {
    if let obstacle = plan.obstacle { throw obstacle }
    let target = try OutputTarget(plan, path: path, options)
    let job = try ConversionJob(
      plan, target, options, workers: workers, cancellation: cancellation, progress: progress)
    do throws(WeightmillError) {
      try work(job)
      let report = job.report
      if options.isStrict { try report.requireSound(location: plan.source.location) }
      try job.finish(judging: judge)
      return report
    } catch {
      if options.resumes { job.keep() }
      throw error
    }
  }

  /// The journals that interrupted runs to an output have left.
  ///
  /// - Parameter path: The file or folder.
  /// - Returns: Their paths; those of runs that are at work are not among them.
  package static func leftovers(of path: String) -> [String] { Journal.leftovers(of: path) }
}

/// Options of a run. None of them changes a byte that is written.
public struct RunOptions: Sendable {
  /// The number of bytes of buffers that a run may use by default: 256 MiB.
  package static let defaultMemory = 256 << 20

  /// Whether what is there may be replaced; other files of a folder are left alone.
  public var overwrites = false
  /// Whether a value that is not finite, or is lost beside a far larger one, is an error.
  public var isStrict = false
  /// Whether what an interrupted run left is continued, and kept if this one is interrupted.
  public var resumes = false
  /// The number of the only file of a split output that is written, from 1; `nil` for all.
  public var part: Int?
  /// The number of bytes of buffers that may be used: rows that are read and written, and bytes that
  /// wait to be hashed.
  public var memory = RunOptions.defaultMemory
  /// The calls by which the disk is asked to keep what was written.
  package var disk = DiskCalls()

  /// Describes a run that writes all of a new output.
  public init() {}
}

extension ConversionPlan {
  /// Writes the output beside other tasks: `ConversionRun` as an asynchronous call.
  ///
  /// It stops when the task is cancelled, and leaves then what `ConversionRun` leaves when it is
  /// interrupted: nothing, or with `resumes` what another run continues.
  ///
  /// - Parameters:
  ///   - path: The file or folder.
  ///   - options: How the plan is executed.
  ///   - workers: The threads.
  ///   - progress: Called, from any thread, when a tile is written.
  /// - Returns: What was done.
  /// - Throws: As `ConversionRun.write(to:_:judging:)`.
  public func write(
    to path: String, _ options: RunOptions = RunOptions(), workers: Workers,
    progress: @escaping @Sendable (ConversionProgress) -> Void = { _ in }
  ) async throws(WeightmillError) -> ConversionReport {
    try await Cancellation.perform { (cancellation) throws(WeightmillError) in
      try ConversionRun(self, workers: workers, cancellation: cancellation, progress: progress)
        .write(to: path, options)
    }
  }
}
