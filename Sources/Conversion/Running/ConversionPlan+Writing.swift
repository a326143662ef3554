public import WeightmillTensors

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
