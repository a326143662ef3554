internal import Synchronization

/// Results of numbered pieces of work, which threads bring in any order.
final class Collected<Result: Sendable>: Sendable {
  private let results: Mutex<[Result?]>

  /// Expects so many results.
  init(count: Int) { results = Mutex([Result?](repeating: nil, count: count)) }

  /// Takes one.
  func set(_ number: Int, _ result: Result) { results.withLock { $0[number] = result } }

  /// Those that came, in the order of their numbers.
  var all: [Result] { results.withLock { $0.compactMap(\.self) } }
}
