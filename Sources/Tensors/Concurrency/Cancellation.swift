internal import Synchronization

/// A way to stop work from another thread, or from a signal.
public final class Cancellation: Sendable {
  private let flag = Atomic<Bool>(false)

  /// Makes one that is not cancelled.
  public init() {}

  /// Asks for the work to stop soon.
  public func cancel() { flag.store(true, ordering: .relaxed) }

  /// Whether the work shall stop.
  public var isCancelled: Bool { flag.load(ordering: .relaxed) }

  /// Ends work that shall stop.
  ///
  /// - Parameters:
  ///   - path: What is worked on.
  ///   - undone: What was to be done to it, for the message: `written` gives "was not written".
  /// - Throws: `interrupted` when it is cancelled.
  package func check(_ path: String, _ undone: String = "finished") throws(WeightmillError) {
    guard !isCancelled else {
      throw WeightmillError(.interrupted, path, "was not \(undone): interrupted")
    }
  }
}
