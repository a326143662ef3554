/// An input file that is known by its SHA-256.
package struct IdentifiedFile: Sendable {
  /// The input that a file belongs to.
  package enum Side: String, Sendable {
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
  package let path: String
  /// The input that the file belongs to.
  package let side: Side
  /// The file's ordinal among the weight files of its side, counted from 0.
  package let ordinal: Int
  /// The published file that it is.
  package let file: KnownFile

  /// Names a file.
  ///
  /// - Parameters:
  ///   - path: The file as the user would name it.
  ///   - side: Which input it belongs to.
  ///   - ordinal: Its ordinal among the weight files of its side, counted from 0.
  ///   - file: What it is.
  package init(path: String, side: Side, ordinal: Int, file: KnownFile) {
    self.path = path
    self.side = side
    self.ordinal = ordinal
    self.file = file
  }
}
