public import Testing

/// Cancels a test of kernels that this processor cannot run, so that the report says what was skipped.
///
/// - Parameters:
///   - level: CKernels' number of the kernels: 0 for vectors of 16 bytes, 1 of 32, 2 of 64.
///   - available: The highest level that this processor can run.
///   - sourceLocation: Where the test is.
/// - Throws: What ends the test.
public func requireInstructions(
  _ level: Int, available: Int, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  guard level > available else { return }
  let names = ["SSE2 or NEON", "AVX2 and FMA", "AVX-512"]
  try Test.cancel(
    "not tried: this processor lacks \(names.indices.contains(level) ? names[level] : "it")",
    sourceLocation: sourceLocation)
}
