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
