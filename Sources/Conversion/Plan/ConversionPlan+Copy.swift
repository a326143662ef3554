import GGUF
import Quantization
public import Tensors

/// Plans that change no tensor.
extension ConversionPlan {
  /// Plans a GGUF file with the tensors and the metadata of another, which may be split.
  ///
  /// Every model will do, not LLaMA's alone. What says how the input is split and aligned is left out.
  ///
  /// - Parameter checkpoint: The file, or any one of a split one's.
  /// - Throws: `unsupported` when it is no GGUF file.
  public init(copy checkpoint: Checkpoint) throws(WeightmillError) {
    guard var metadata = checkpoint.metadata else {
      throw WeightmillError(
        .unsupported, checkpoint.path, "is not a GGUF file",
        remedy: "make one with `weightmill convert`")
    }
    for key in metadata.entries.map(\.key) where key.hasPrefix("split.") { metadata[key] = nil }
    metadata["general.alignment"] = nil
    source = checkpoint.catalogue
    items = source.tensors.enumerated().map { index, tensor in
      Item(
        tensor: tensor, index: index, rowGroup: 1, fallbackFrom: nil, importance: nil, shard: 0)
    }
    output = .gguf(metadata)
    method = .best
    sources = []
    hashing = .none
    namesSources = false
    inputs = checkpoint.files
    origins = [checkpoint.path]
    isMerged = false
    notes = checkpoint.notes
    obstacle = nil
  }
}
