import Output
internal import Synchronization
import Tensors

/// A tensor of the output while its tiles are written: what is left, its digest, its faults.
final class WrittenTensor: Sendable {
  private let byteCount: Int
  private let left: Atomic<Int>
  private let digest: OrderedDigest
  private let found: Mutex<ValueFaults>

  /// Begins a tensor.
  ///
  /// - Parameters:
  ///   - byteCount: Its size.
  ///   - file: The file it is written to.
  ///   - position: Where in the file it begins.
  ///   - allowance: How many bytes may wait for their turn to be hashed.
  init(byteCount: Int, in file: WritableFile, at position: Int, allowance: Allowance) {
    self.byteCount = byteCount
    left = Atomic(byteCount)
    found = Mutex(ValueFaults())
    digest = OrderedDigest(allowance: allowance, isReadable: false) {
      (start, count) throws(WeightmillError) in try file.bytes(at: position + start, count: count)
    }
  }

  /// The faults of the tensor's values.
  var faults: ValueFaults { found.withLock { $0 } }

  /// Takes a tile that has been written.
  ///
  /// - Parameters:
  ///   - bytes: Its bytes.
  ///   - offset: Where in the tensor they begin.
  ///   - faults: What is wrong with its values.
  /// - Returns: The SHA-256 of the whole tensor if this was its last tile.
  /// - Throws: The errors of reading the file.
  func add(
    _ bytes: RawSpan, at offset: Int, _ faults: ValueFaults
  ) throws(WeightmillError) -> String? {
    if faults != ValueFaults() { found.withLock { $0.add(faults) } }
    digest.add(bytes, at: offset)
    guard left.subtract(bytes.byteCount, ordering: .acquiringAndReleasing).newValue == 0 else {
      return nil
    }
    return try digest.finish(byteCount: byteCount)
  }
}
