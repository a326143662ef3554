internal import Crypto
import Tensors

/// The SHA-256 of a whole file.
enum FileDigest {
  /// How many bytes are read at a time.
  private static let pieceBytes = 1 << 20

  /// Hashes a file from its first byte to its last.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - isStopped: Asked between reads: whether the result is not wanted any more.
  /// - Returns: The SHA-256 in lower-case hexadecimal, or `nil` when it was stopped.
  /// - Throws: Reading errors.
  static func sha256(
    _ path: String, isStopped: () -> Bool = { false }
  ) throws(WeightmillError) -> String? {
    let file = try InputFile(path)
    var hash = SHA256()
    var position = 0
    var buffer = [UInt8](repeating: 0, count: min(Self.pieceBytes, file.byteCount))
    while position < file.byteCount {
      guard !isStopped() else { return nil }
      let count = min(buffer.count, file.byteCount - position)
      try buffer.withMutableBytes { (span) throws(WeightmillError) in
        try file.read(at: position, count: count, into: &span, at: 0)
      }
      unsafe buffer.withUnsafeBytes { bytes in
        unsafe hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
      }
      position += count
    }
    return hash.finalize().hexadecimal
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
