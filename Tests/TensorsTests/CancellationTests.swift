import Testing
import WeightmillTensors
import WeightmillTestSupport

struct CancellationTests {
  @Test func workBesideTasksReturnsWhatItReturns() async throws {
    let sum = try await Cancellation.perform { _ in (1...10).reduce(0, +) }
    #expect(sum == 55)
  }

  @Test func workBesideTasksThrowsWhatItThrows() async {
    await #expect(throws: WeightmillError.self) {
      try await Cancellation.perform { (_) throws(WeightmillError) -> Int in
        throw WeightmillError(.malformed, "a", "is broken")
      }
    }
  }

  /// The work goes on until it looks at its cancellation, which the task's sets off.
  @Test func cancellingTheTaskStopsTheWork() async {
    let task = Task {
      try await Cancellation.perform { (cancellation) throws(WeightmillError) -> Int in
        while true { try cancellation.check("a") }
      }
    }
    task.cancel()
    let outcome = await task.result
    guard case .failure(let error as WeightmillError) = outcome else {
      Issue.record("the work was not stopped: \(outcome)")
      return
    }
    #expect(error.code == .interrupted)
  }

  @Test(arguments: [1, 3]) func piecesNotBegunAreLeftWhenTheWorkIsCancelled(threads: Int) {
    let cancellation = Cancellation()
    let isWhole = Workers(threads: threads).forEach(1000, until: cancellation, scratch: {}) {
      (piece, _) in
      if piece == 10 { cancellation.cancel() }
    }
    #expect(!isWhole)
    #expect(Workers(threads: threads).forEach(1000, scratch: {}) { (_, _) in })
  }
}
