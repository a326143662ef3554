extension MutableRawSpan {
  /// Copies bytes of an array.
  ///
  /// - Parameters:
  ///   - source: Where to read.
  ///   - start: The first byte to read.
  ///   - count: How many bytes to copy; the ranges must lie within both sides.
  ///   - offset: The first byte to write.
  package mutating func copy(_ source: [UInt8], from start: Int, count: Int, to offset: Int) {
    precondition(start >= 0 && count >= 0 && start + count <= source.count)
    precondition(offset >= 0 && offset + count <= byteCount)
    unsafe withUnsafeMutableBytes { destination in
      unsafe source.withUnsafeBytes { bytes in
        guard let from = bytes.baseAddress, let to = destination.baseAddress else { return }
        unsafe (to + offset).copyMemory(from: from + start, byteCount: count)
      }
    }
  }
}

extension Array where Element == UInt8 {
  /// Gives the array's bytes as a span to write to.
  ///
  /// - Parameter body: What to do with the span.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws.
  package mutating func withMutableBytes<Result, Failure: Error>(
    _ body: (inout MutableRawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var elements = mutableSpan
    // Bytes have no padding: every one is initialised.
    var bytes = unsafe elements.mutableBytes
    return try body(&bytes)
  }
}
