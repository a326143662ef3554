public import Testing
public import WeightmillTensors

/// Runs a body that must throw a `WeightmillError` of some class, and returns it.
@discardableResult
public func expectError(
  _ code: WeightmillError.Code, sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () throws -> Void
) -> WeightmillError? {
  do {
    try body()
    Issue.record("nothing was thrown", sourceLocation: sourceLocation)
  } catch let error as WeightmillError {
    #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
    #expect(!error.description.contains("\n"), sourceLocation: sourceLocation)
    return error
  } catch {
    Issue.record(error, sourceLocation: sourceLocation)
  }
  return nil
}

/// Runs a body that may throw a `WeightmillError` but nothing else, and must not crash.
public func expectNoCrash(
  sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
  do {
    try body()
  } catch is WeightmillError {
  } catch {
    Issue.record(error, sourceLocation: sourceLocation)
  }
}

/// Expects that work ends as interrupted when the task that waits for it is cancelled.
public func expectInterrupted(
  sourceLocation: SourceLocation = #_sourceLocation,
  _ body: @escaping @Sendable () async throws -> Void
) async {
  let task = Task { try await body() }
  task.cancel()
  let outcome = await task.result
  guard case .failure(let error as WeightmillError) = outcome else {
    Issue.record("the work was not stopped: \(outcome)", sourceLocation: sourceLocation)
    return
  }
  #expect(error.code == .interrupted, "\(error)", sourceLocation: sourceLocation)
}
