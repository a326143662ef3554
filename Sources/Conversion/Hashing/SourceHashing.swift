import Models

/// The choice of weight files that are hashed while they are read; vocabularies always are.
public enum SourceHashing: Sendable {
  /// No weight files.
  case none
  /// Weight files whose name and size are those of a published file.
  case known
  /// All weight files.
  case all

  /// Whether a file is hashed.
  func includes(_ source: SourceFile) -> Bool {
    switch self {
    case .none: false
    case .known: source.mayBeKnown
    case .all: true
    }
  }
}
