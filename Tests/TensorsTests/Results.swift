import Synchronization

/// Numbers gathered from several threads.
final class Results: Sendable {
  private let values = Mutex<[Int]>([])

  func add(_ value: Int) { values.withLock { $0.append(value) } }

  var sorted: [Int] { values.withLock { $0.sorted() } }
}
