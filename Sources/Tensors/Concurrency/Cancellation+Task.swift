internal import Dispatch

extension Cancellation {
  /// Does long, synchronous work beside the tasks of Swift's concurrency, and stops it with the task
  /// that waits for it.
  ///
  /// The threads that tasks share are not held: the work runs on a queue of Dispatch.
  ///
  /// - Parameter work: The work; it is given the cancellation that the task's sets off.
  /// - Returns: What the work returns.
  /// - Throws: What the work throws; `interrupted` when the task was cancelled before its end.
  package static func perform<Result: Sendable>(
    _ work: @escaping @Sendable (Cancellation) throws(WeightmillError) -> Result
  ) async throws(WeightmillError) -> Result {
    let cancellation = Cancellation()
    let remote = RemoteAccess.current
    let outcome = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        DispatchQueue.global(qos: .userInitiated).async {
          continuation.resume(
            returning: RemoteAccess.$current.withValue(remote) {
              Self.outcome(of: work, cancellation)
            })
        }
      }
    } onCancel: {
      cancellation.cancel()
    }
    return try outcome.get()
  }

  private static func outcome<Value>(
    of work: (Cancellation) throws(WeightmillError) -> Value, _ cancellation: Cancellation
  ) -> Result<Value, WeightmillError> {
    do throws(WeightmillError) {
      return .success(try work(cancellation))
    } catch {
      return .failure(error)
    }
  }
}
