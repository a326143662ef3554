internal import Crypto
import Tensors

/// The SHA-256 of a whole file, from what is read of it for other purposes and what is missing then.
///
/// Shown to a `FileCatalogue`, it hashes what is read while it is in the processor's caches. Nothing is
/// read twice but what was read too far ahead of its turn.
final class FileDigest: ReadWatcher {
  private let file: Reopened
  private let digest: OrderedDigest

  /// The file once more: what is read here is not shown to the watcher.
  private final class Reopened: Sendable {
    let file: InputFile

    init(_ path: String) throws(WeightmillError) { file = try InputFile(path) }
  }

  /// Opens a file to hash it.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - allowance: How many bytes may wait for their turn.
  /// - Throws: `noInput`, `refused`.
  init(_ path: String, allowance: Allowance) throws(WeightmillError) {
    let file = try Reopened(path)
    self.file = file
    digest = OrderedDigest(allowance: allowance, isReadable: true) {
      (position, count) throws(WeightmillError) in try file.file.bytes(at: position, count: count)
    }
  }

  func didRead(_ bytes: RawSpan, at position: Int) { digest.add(bytes, at: position) }

  /// Reads and hashes what nobody has read.
  ///
  /// - Parameter isStopped: Asked between reads: whether the result is not wanted any more.
  /// - Returns: The SHA-256 in lower-case hexadecimal, or `nil` when it was stopped.
  /// - Throws: Reading errors.
  func finish(isStopped: () -> Bool) throws(WeightmillError) -> String? {
    try digest.finish(byteCount: file.file.byteCount, isStopped: isStopped)
  }
}

extension SHA256.Digest {
  /// The digest in lower-case hexadecimal digits.
  var hexadecimal: String {
    map { byte in
      let digits = String(byte, radix: 16)
      return byte < 16 ? "0" + digits : digits
    }.joined()
  }
}
