package import WeightmillLLaMA
package import WeightmillMerging
package import WeightmillTensors

/// A LoRA adapter by itself, held against its base, to be written as llama.cpp reads it.
package struct LoadedAdapter: Sendable {
  /// The tensors of the GGUF file.
  package let exported: ExportedAdapter
  /// The architecture of the base.
  package let architecture: Architecture
  /// Every file that is read: none of them may be written to.
  package let files: [String]
  /// The paths that were asked for.
  package let origins: [String]
  /// The file of its tensors.
  package let source: SourceFile
  /// Remarks for the user.
  package let notes: [String]
}

extension ModelLoader {
  /// Opens the adapter that is asked for, and holds it against its base.
  ///
  /// - Parameter request: The base and one adapter; nothing of the base is read but names and shapes.
  /// - Returns: The adapter.
  /// - Throws: The errors of the formats; `mismatch` when it does not fit; `unsupported` for what a GGUF
  ///   adapter cannot hold; `usage` when not one adapter is asked for, or a delta.
  package static func loadAdapter(
    _ request: ModelRequest
  ) throws(WeightmillError) -> LoadedAdapter {
    guard let wanted = request.adapters.first, request.adapters.count == 1, request.delta == nil
    else {
      throw WeightmillError(
        .usage, request.path, "an adapter's file is made of one adapter and its base",
        remedy: "give --lora once, and no --delta")
    }
    let checkpoint = try Checkpoint(path: request.path, selection: request.selection)
    let base = try CheckedModel(checkpoint, try checkpoint.modelCatalogue()).llama
    let stored = try StoredAdapter(wanted)
    try stored.checkArchitecture(of: base)
    let exported = try stored.adapter.exported(for: base)
    let tokenizer =
      try stored.tokenizer() == nil
      ? []
      : ["\(wanted.path) has a tokenizer, which a GGUF adapter does not hold: the base's is used"]
    return LoadedAdapter(
      exported: exported, architecture: base.architecture, files: checkpoint.files + stored.files,
      origins: request.paths, source: stored.source,
      notes: stored.notes + exported.notes + tokenizer)
  }
}
