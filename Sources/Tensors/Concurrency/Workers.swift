internal import Dispatch
internal import Synchronization

/// Runs numbered pieces of work on several threads.
///
/// Each thread takes the next number when it is done with one, and keeps scratch space of its own,
/// so that memory is bounded by the number of threads and not by that of pieces.
public struct Workers: Sendable {
  /// How many threads there are.
  public let threads: Int

  /// Makes workers.
  ///
  /// - Parameter threads: How many threads; at least one is used.
  public init(threads: Int) { self.threads = max(1, threads) }

  /// Does pieces of work, in any order.
  ///
  /// - Parameters:
  ///   - count: How many pieces there are.
  ///   - scratch: Makes one thread's scratch space.
  ///   - body: Does the piece of this number.
  /// - Throws: The first error that `body` throws; pieces not begun by then are left.
  public func forEach<Scratch>(
    _ count: Int, scratch: @Sendable () -> Scratch,
    _ body: @Sendable (Int, inout Scratch) throws(WeightmillError) -> Void
  ) throws(WeightmillError) {
    guard count > 0 else { return }
    let next = Atomic<Int>(0)
    let failure = Mutex<WeightmillError?>(nil)
    DispatchQueue.concurrentPerform(iterations: min(threads, count)) { _ in
      var space = scratch()
      while true {
        let piece = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard piece < count else { return }
        do throws(WeightmillError) {
          try body(piece, &space)
        } catch {
          failure.withLock { $0 = $0 ?? error }
          next.store(count, ordering: .relaxed)
          return
        }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }
}
