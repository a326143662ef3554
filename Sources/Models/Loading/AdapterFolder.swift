import WeightmillLLaMA
package import WeightmillMerging
package import WeightmillTensors

/// A folder in which PEFT saved a LoRA adapter.
package struct AdapterFolder {
  package let adapter: LowRankAdapter
  /// Remarks on the files.
  package let notes: [String]
  /// Every file of the folder: none of them may be written to.
  package var files: [String] { folder.inputs }
  /// The file of its tensors, of which none is published here.
  package var source: SourceFile {
    SourceFile(
      path: checkpoint.path, side: .adapter, kind: .weights(0), mayBeKnown: false,
      catalogue: checkpoint.fileCatalogues.first)
  }
  private let folder: Folder
  private let checkpoint: Checkpoint

  /// Opens an adapter.
  ///
  /// - Parameter path: The folder.
  /// - Throws: `noInput` when a part is missing; `mismatch` for a folder of another kind; the errors
  ///   of the formats.
  package init(_ path: String) throws(WeightmillError) {
    guard let isFolder = Folder.isFolder(path) else {
      throw WeightmillError(.noInput, path, "no such file or folder", remedy: "check the path")
    }
    guard isFolder else {
      throw WeightmillError(
        .unsupported, path, "is a file; an adapter is a folder that PEFT saved",
        remedy: "give the folder with \(HuggingFaceShards.adapterConfiguration)")
    }
    let folder = try Folder(path)
    let found = HuggingFaceShards.adapterWeights.filter(folder.contains)
    guard folder.contains(HuggingFaceShards.adapterConfiguration), let name = found.first else {
      throw Self.incomplete(folder, found)
    }
    let configuration = try AdapterConfiguration(
      TextInput.json(folder.path(HuggingFaceShards.adapterConfiguration)),
      location: folder.path(HuggingFaceShards.adapterConfiguration))
    checkpoint = try Checkpoint(path: folder.path(name))
    guard checkpoint.layout != .ggufFile else {
      throw WeightmillError(.unsupported, checkpoint.path, "is a GGUF file in an adapter's place")
    }
    self.folder = folder
    adapter = LowRankAdapter(
      checkpoint.catalogue, configuration: configuration, location: path)
    notes =
      checkpoint.notes
      + (found.count > 1 ? ["\(path) holds the adapter twice; \(name) is used"] : [])
  }

  private static func incomplete(_ folder: Folder, _ found: [String]) -> WeightmillError {
    if found.isEmpty, let weights = HuggingFaceShards.adapterOfMLX(in: folder) {
      return WeightmillError(
        .unsupported, folder.path, "is an adapter of MLX (\(weights)), which is not merged",
        remedy: "write the whole model with `mlx_lm.fuse --model BASE --adapter-path "
          + "\(folder.path) --save-path FUSED`, and give FUSED in place of both")
    }
    if folder.contains(HuggingFaceShards.adapterConfiguration) {
      return WeightmillError(
        .noInput, folder.path,
        "holds \(HuggingFaceShards.adapterConfiguration), but neither \(HuggingFaceShards.adapterWeights.joined(separator: " nor "))",
        remedy: "fetch the adapter's weights, too")
    }
    if !found.isEmpty {
      return WeightmillError(
        .noInput, folder.path,
        "holds \(found[0]), but not \(HuggingFaceShards.adapterConfiguration)",
        remedy:
          "fetch \(HuggingFaceShards.adapterConfiguration), too: without it the scale is not known")
    }
    if folder.contains("config.json") || folder.contains("params.json") {
      return WeightmillError(
        .mismatch, folder.path, "holds a model's weights, not a LoRA adapter",
        remedy: "give delta weights with --delta, a model by itself")
    }
    return WeightmillError(
      .noInput, folder.path, "holds no LoRA adapter",
      remedy:
        "expected \(HuggingFaceShards.adapterConfiguration) and \(HuggingFaceShards.adapterWeights[0]) or \(HuggingFaceShards.adapterWeights[1])"
    )
  }

  /// The tokenizer that the adapter brings along, if it does.
  ///
  /// Byte pairs count for nothing: PEFT saves a `tokenizer.json` beside every adapter.
  package func tokenizer() throws(WeightmillError) -> TokenizerFiles? {
    guard try TokenizerFiles.isSentencePiece(folder, checkpoint) else { return nil }
    return try TokenizerFiles(folder, checkpoint)
  }
}

extension Checkpoint {
  /// The error for an adapter in a model's place; `nil` for anything else.
  package var misplacedAdapter: WeightmillError? {
    // A whole model with factors in it is none: they were left unmerged.
    guard LowRankAdapter.isAdapter(catalogue), layout == .adapter || names?.hasLayers != true
    else { return nil }
    return WeightmillError(
      .mismatch, path, "holds a LoRA adapter, not a model",
      remedy: "give the base as the model and the adapter's folder with --lora")
  }
}
