internal import Dispatch
internal import Synchronization

/// Runs numbered pieces of work on several threads.
///
/// Each thread takes the next number when it is done with one, and keeps scratch space of its own,
/// so that memory is bounded by the number of threads and not by that of pieces.
public struct Workers: Sendable {
  /// The number of threads.
  public let threads: Int

  /// Makes workers.
  ///
  /// - Parameter threads: How many threads; at least one is used.
  public init(threads: Int) { self.threads = max(1, threads) }

  /// Does pieces of work, in any order.
  ///
  /// - Parameters:
  ///   - count: How many pieces there are.
  ///   - cancellation: A way to stop: pieces not begun by then are left.
  ///   - scratch: Makes one thread's scratch space.
  ///   - body: Does the piece of this number.
  /// - Returns: Whether all pieces were done, which they are unless the work was cancelled.
  /// - Throws: The first error that `body` throws; pieces not begun by then are left.
  @discardableResult
  package func forEach<Scratch, Failure: Error>(
    _ count: Int, until cancellation: Cancellation? = nil, scratch: @Sendable () -> Scratch,
    _ body: @Sendable (Int, inout Scratch) throws(Failure) -> Void
  ) throws(Failure) -> Bool {
    guard count > 0 else { return true }
    let next = Atomic<Int>(0)
    let done = Atomic<Int>(0)
    let failure = Mutex<Failure?>(nil)
    let remote = RemoteAccess.current
    DispatchQueue.concurrentPerform(iterations: min(threads, count)) { _ in
      RemoteAccess.$current.withValue(remote) {
        var space = scratch()
        while cancellation?.isCancelled != true {
          let piece = next.wrappingAdd(1, ordering: .relaxed).oldValue
          guard piece < count else { return }
          do throws(Failure) {
            try body(piece, &space)
          } catch {
            failure.withLock { $0 = $0 ?? error }
            next.store(count, ordering: .relaxed)
            return
          }
          done.add(1, ordering: .relaxed)
        }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
    return done.load(ordering: .relaxed) == count
  }
}

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
