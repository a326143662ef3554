import WeightmillGGUF
package import WeightmillLLaMA
package import WeightmillMerging
package import WeightmillTensors

/// A LoRA adapter that is stored as PEFT does, in a folder, or as llama.cpp does, in a GGUF file.
package struct StoredAdapter {
  package let adapter: LowRankAdapter
  /// Remarks on the files.
  package let notes: [String]
  /// Every file that belongs to it: none of them may be written to.
  package let files: [String]
  /// The file of its tensors, of which none is published here.
  package var source: SourceFile {
    SourceFile(
      path: checkpoint.path, side: .adapter, kind: .weights(0), mayBeKnown: false,
      catalogue: checkpoint.fileCatalogues.first)
  }
  /// The folder; `nil` for a file.
  private let folder: Folder?
  private let checkpoint: Checkpoint
  /// The architecture that a GGUF file is for.
  private var architecture: String?

  /// Opens an adapter.
  ///
  /// - Parameter wanted: The folder or file, and by how much its scales are multiplied.
  /// - Throws: `noInput` when a part is missing; `mismatch` for a folder or file of another kind; the
  ///   errors of the formats.
  package init(_ wanted: ScaledAdapter) throws(WeightmillError) {
    guard let isFolder = Folder.isFolder(wanted.path) else {
      throw WeightmillError(
        .noInput, wanted.path, "no such file or folder", remedy: "check the path")
    }
    if isFolder {
      try self.init(folder: wanted)
    } else {
      try self.init(file: wanted)
    }
  }

  private init(folder wanted: ScaledAdapter) throws(WeightmillError) {
    let folder = try Folder(wanted.path)
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
    files = folder.inputs
    adapter = LowRankAdapter(
      checkpoint.catalogue, configuration: configuration, location: wanted.path
    ).scaled(by: wanted.scale)
    notes =
      checkpoint.notes
      + (found.count > 1 ? ["\(wanted.path) holds the adapter twice; \(name) is used"] : [])
  }

  private init(file wanted: ScaledAdapter) throws(WeightmillError) {
    let path = wanted.path
    checkpoint = try Checkpoint(path: path)
    guard let metadata = checkpoint.metadata else {
      throw WeightmillError(
        .unsupported, path, "is a file; an adapter is a folder that PEFT saved, or a GGUF file",
        remedy: "give the folder with \(HuggingFaceShards.adapterConfiguration)")
    }
    let about = try GGUFAdapterMetadata(metadata, location: path)
    folder = nil
    files = checkpoint.files
    architecture = about.architecture
    adapter = LowRankAdapter(
      checkpoint.catalogue,
      configuration: AdapterConfiguration(ggufAlpha: about.alpha, baseName: about.baseName),
      location: path
    ).scaled(by: wanted.scale)
    notes = checkpoint.notes + about.notes
  }

  /// Refuses a GGUF adapter for another architecture than a model's.
  ///
  /// - Parameter model: The model.
  /// - Throws: `mismatch`.
  package func checkArchitecture(of model: LlamaModel) throws(WeightmillError) {
    guard let architecture, architecture != model.architecture.name else { return }
    throw WeightmillError(
      .mismatch, checkpoint.path,
      "is for a model of architecture \(quoted(architecture)), not \(quoted(model.architecture.name))",
      remedy: HelpTopic.adapters.after("merge it into the model it was made for"))
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
        "expected \(HuggingFaceShards.adapterConfiguration) and \(HuggingFaceShards.adapterWeights[0]) or "
        + "\(HuggingFaceShards.adapterWeights[1]); or give a GGUF adapter's file")
  }

  /// The tokenizer that the adapter brings along, if it does.
  ///
  /// Byte pairs count for nothing: PEFT saves a `tokenizer.json` beside every adapter.
  package func tokenizer() throws(WeightmillError) -> TokenizerFiles? {
    guard let folder, try TokenizerFiles.isSentencePiece(folder, checkpoint) else { return nil }
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
      remedy: "give the base as the model, and the adapter with --lora")
  }
}
