/// An input file that is known by its SHA-256.
public struct IdentifiedFile: Sendable {
  /// The input that a file belongs to.
  public enum Side: String, Sendable {
    /// A model that nothing is merged into.
    case model
    /// The base that the delta or the adapters are added to.
    case base
    /// The delta.
    case delta
    /// One of the adapters.
    case adapter
  }

  /// The file as the user would name it.
  public let path: String
  /// The input that the file belongs to.
  public let side: Side
  /// The file's ordinal among the weight files of its side, counted from 0.
  public let ordinal: Int
  /// The published file that it is.
  public let file: KnownFile

  /// Names a file.
  ///
  /// - Parameters:
  ///   - path: The file as the user would name it.
  ///   - side: Which input it belongs to.
  ///   - ordinal: Its ordinal among the weight files of its side, counted from 0.
  ///   - file: What it is.
  public init(path: String, side: Side, ordinal: Int, file: KnownFile) {
    self.path = path
    self.side = side
    self.ordinal = ordinal
    self.file = file
  }
}
