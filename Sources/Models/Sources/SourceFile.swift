package import WeightmillLLaMA
package import WeightmillMerging
package import WeightmillTensors

/// A file that a model is made from, and what it is for.
package struct SourceFile: Sendable {
  /// The purpose of a file.
  package enum Kind: Sendable {
    /// A file of tensors, the checkpoint's of this number, counted from 0.
    case weights(Int)
    /// A vocabulary or the sizes: small, and hashed at once.
    case small
  }

  /// The path.
  package let path: String
  /// The input that the file belongs to.
  package let side: IdentifiedFile.Side
  /// The file's purpose.
  package let kind: Kind
  /// Whether it could be one of the files that Weightmill knows.
  package let mayBeKnown: Bool
  /// The file's size in bytes.
  package let byteCount: Int
  /// The model on a hub that it belongs to, with the commit; `nil` for files from elsewhere.
  package let repository: String?
  /// The file's tensors, to hash the file while they are read.
  package let catalogue: (any FileCatalogue)?

  /// Describes a file.
  package init(
    path: String, side: IdentifiedFile.Side, kind: Kind, mayBeKnown: Bool,
    catalogue: (any FileCatalogue)? = nil
  ) {
    self.path = path
    self.side = side
    self.kind = kind
    self.mayBeKnown = mayBeKnown
    self.catalogue = catalogue
    byteCount = Self.size(path)
    repository = RemoteAccess.current?.pinned(path)
  }

  /// The last part of its path.
  package var name: String { Self.name(path) }

  /// The files of a checkpoint that make the model.
  ///
  /// - Parameters:
  ///   - checkpoint: The checkpoint.
  ///   - side: Which input it is.
  ///   - configuration: The model's sizes.
  /// - Returns: The files.
  package static func all(
    of checkpoint: Checkpoint, side: IdentifiedFile.Side, _ configuration: LlamaConfiguration
  ) -> [SourceFile] {
    let sizes = (
      configuration.hiddenSize, configuration.layerCount, configuration.vocabularyRows
    )
    let files = zip(checkpoint.weightFiles, checkpoint.fileCatalogues)
    let weights = files.enumerated().map { index, file in
      SourceFile(
        path: file.0, side: side, kind: .weights(index),
        mayBeKnown: KnownFiles.mayHold(name: name(file.0), byteCount: size(file.0), sizes: sizes),
        catalogue: file.1)
    }
    let small = checkpoint.files.filter { ["tokenizer.model", "params.json"].contains(name($0)) }
    return weights
      + small.map {
        SourceFile(path: $0, side: side, kind: .small, mayBeKnown: true)
      }
  }

  private static func size(_ path: String) -> Int {
    InputFile.byteCount(of: path) ?? 0
  }

  private static func name(_ path: String) -> String {
    InputPath(path).name
  }
}
