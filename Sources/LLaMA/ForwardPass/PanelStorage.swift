import WeightmillTensors

/// Memory for panels of numbers, aligned for vectors of any size.
///
/// Several threads may write to it, each to its own part. Whoever holds it as a value makes a copy
/// before writing if another holds it too.
@safe final class PanelStorage: @unchecked Sendable {
  /// The first byte.
  let base: UnsafeMutableRawPointer
  let byteCount: Int

  /// Makes room.
  ///
  /// - Parameters:
  ///   - byteCount: How many bytes.
  ///   - isZeroed: Whether they must be zeros; otherwise all must be written before they are read.
  init(byteCount: Int, isZeroed: Bool) {
    unsafe base = .allocate(byteCount: max(byteCount, 1), alignment: 64)
    self.byteCount = byteCount
    if isZeroed { unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount) }
  }

  /// Makes a copy.
  init(copying other: PanelStorage) {
    unsafe base = .allocate(byteCount: max(other.byteCount, 1), alignment: 64)
    byteCount = other.byteCount
    unsafe base.copyMemory(from: other.base, byteCount: byteCount)
  }

  deinit { unsafe base.deallocate() }
}

extension Precision {
  /// Copies numbers of one lane of panels to another, where nobody else writes.
  ///
  /// - Parameters:
  ///   - from: The lane's first number; the others follow in steps of a panel's tokens.
  ///   - count: How many.
  ///   - to: The other lane's first number.
  func copyLane(of from: UnsafeRawPointer, _ count: Int, to: UnsafeMutableRawPointer) {
    switch self {
    case .single: unsafe copyLane(of: from, count, to: to, as: Float.self)
    case .double: unsafe copyLane(of: from, count, to: to, as: Double.self)
    }
  }

  private func copyLane<Number: BitwiseCopyable>(
    of from: UnsafeRawPointer, _ count: Int, to: UnsafeMutableRawPointer, as type: Number.Type
  ) {
    let source = unsafe from.assumingMemoryBound(to: type)
    let target = unsafe to.assumingMemoryBound(to: type)
    for offset in stride(from: 0, to: count * Kernels.tokens, by: Kernels.tokens) {
      unsafe target[offset] = source[offset]
    }
  }
}

extension Workers {
  /// Does something for every panel of vectors, in any order.
  func forEachPanel(_ vectors: Activations, _ body: @Sendable (Int) -> Void) {
    forEach(vectors.panelCount, scratch: {}) { (panel, _) in body(panel) }
  }
}
