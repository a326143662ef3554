import Models

/// Which weight files are hashed while they are read; vocabularies always are.
public enum SourceHashing: Sendable {
  /// None.
  case none
  /// Those whose name and size are those of a published file.
  case known
  /// All.
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
