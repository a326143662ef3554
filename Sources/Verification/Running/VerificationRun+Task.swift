public import WeightmillTensors

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
