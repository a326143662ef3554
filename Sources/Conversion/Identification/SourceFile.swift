import LLaMA
public import Merging
import SystemPackage
import Tensors

/// A file that a model is made from, and what it is for.
public struct SourceFile: Sendable {
  /// What a file is for.
  public enum Kind: Sendable {
    /// It holds tensors, and is the checkpoint's file of this number, counted from 0.
    case weights(Int)
    /// A vocabulary or the sizes: small, and hashed at once.
    case small
  }

  /// The path.
  public let path: String
  /// Which input it belongs to.
  public let side: IdentifiedFile.Side
  /// What it is for.
  public let kind: Kind
  /// Whether it could be one of the files that Weightmill knows.
  public let mayBeKnown: Bool

  /// The files of a checkpoint that make the model.
  ///
  /// - Parameters:
  ///   - checkpoint: The checkpoint.
  ///   - side: Which input it is.
  ///   - configuration: The model's sizes.
  /// - Returns: The files.
  static func all(
    of checkpoint: Checkpoint, side: IdentifiedFile.Side, _ configuration: LlamaConfiguration
  ) -> [SourceFile] {
    let sizes = (
      configuration.hiddenSize, configuration.layerCount, configuration.vocabularyRows
    )
    let weights = checkpoint.weightFiles.enumerated().map { place, path in
      let byteCount = (try? FilePath(path).stat()).map { Int($0.size) } ?? 0
      return SourceFile(
        path: path, side: side, kind: .weights(place),
        mayBeKnown: KnownFiles.mayHold(name: name(path), byteCount: byteCount, sizes: sizes))
    }
    let small = checkpoint.files.filter { ["tokenizer.model", "params.json"].contains(name($0)) }
    return weights
      + small.map {
        SourceFile(path: $0, side: side, kind: .small, mayBeKnown: true)
      }
  }

  private static func name(_ path: String) -> String {
    FilePath(path).lastComponent?.string ?? path
  }
}
