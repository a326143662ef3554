public import Models

/// A file that a model is made from, with its SHA-256.
public struct HashedSource: Sendable {
  /// The file.
  public let source: SourceFile
  /// The SHA-256 in lower-case hexadecimal; `nil` when the file was not hashed.
  public let sha256: String?
}
