import WeightmillLLaMA
import WeightmillMerging
package import WeightmillTensors
import WeightmillTokenization

extension ModelLoader {
  /// The model that is asked for: its tokenizer is that of the last adapter that brings one.
  package static func loadWithAdapters(_ request: ModelRequest) throws(WeightmillError)
    -> LoadedModel
  {
    let model = try loadWithoutAdapters(request)
    guard !request.adapters.isEmpty else { return model }
    guard model.metadata == nil else {
      throw WeightmillError(
        .unsupported, request.path,
        "is a GGUF file; adapters are merged into the original checkpoint",
        remedy: "give the folder in Meta's or Hugging Face's layout")
    }
    var merging = AdapterMerging(model)
    for adapter in request.adapters { try merging.add(adapter) }
    let (llama, tokenizer) = (merging.llama, merging.tokenizer)
    let rules = (model.mergeRule.map { [$0] } ?? []) + request.adapters.map(\.rule)
    let rows = llama.configuration.vocabularyRows
    let named =
      if let tokenizer {
        try Self.tokenizer(tokenizer.files, rows: rows, folder: tokenizer.folder)
      } else {
        try Self.tokenizer(of: model, rows: rows)
      }
    var adapted = LoadedModel(
      llama: llama, tokenizer: named.tokenizer,
      chatTemplates: tokenizer.map(\.files.chatTemplates).flatMap { $0.main == nil ? nil : $0 }
        ?? model.chatTemplates,
      metadata: nil,
      mergeRule: rules.joined(separator: "+"),
      files: merging.files + (tokenizer?.files.files ?? []), notes: merging.notes + named.notes)
    adapted.tokenizerFolder = tokenizer?.folder
    adapted.tokenizerObstacle = named.obstacle
    adapted.sources = merging.sources
    return adapted
  }

  /// The notes on adapters that lie in the folders of the model, and that nobody asked for.
  static func adaptersBeside(_ request: ModelRequest) -> [String] {
    let asked = request.adapters.compactMap { Folder.realPath($0.path) }
    return [request.path, request.delta].compactMap(\.self).compactMap { path in
      guard Folder.isFolder(path) == true, let folder = try? Folder(path),
        folder.contains(HuggingFaceShards.adapterConfiguration),
        case let own = HuggingFaceShards.adapterWeights.first(where: folder.contains),
        let weights = own ?? HuggingFaceShards.adapterOfMLX(in: folder),
        !asked.contains(where: { $0 == Folder.realPath(path) })
      else { return nil }
      return
        "\(path) holds a LoRA adapter beside the model (\(weights)), which is not merged: "
        + (own == nil ? "let `mlx_lm.fuse` do it" : "give --lora \(path), too,") + " if it shall be"
    }
  }

  /// The tokenizer of a merged model, or why it has none.
  private struct NamedTokenizer {
    var tokenizer: ModelTokenizer?
    var obstacle: WeightmillError?
    var notes: [String] = []
  }

  /// The tokenizer that an adapter brings along.
  private static func tokenizer(
    _ files: TokenizerFiles, rows: Int, folder: String
  ) throws(WeightmillError) -> NamedTokenizer {
    do throws(WeightmillError) {
      let (tokenizer, further) = try files.tokenizer(rows: rows)
      let tokens = tokenizer.vocabulary.tokens
      let unnamed = tokens.reversed().prefix { $0.kind == .unused }.count
      return NamedTokenizer(
        tokenizer: tokenizer,
        notes: files.notes + further + ["the tokenizer is that of \(folder)"]
          + (unnamed > 0 ? ["\(unnamed) of \(rows) embedding rows have no token in it"] : []))
    } catch {
      guard error.code == .mismatch else { throw error }
      throw WeightmillError(
        .mismatch, error.file, error.problem, at: error.position,
        remedy: "it came with the adapter; if it is not the merged model's, take it away from there"
      )
    }
  }

  /// The tokenizer of the model itself, for as many rows as adapters left it.
  private static func tokenizer(
    of model: LoadedModel, rows: Int
  ) throws(WeightmillError) -> NamedTokenizer {
    guard let tokenizer = model.tokenizer, tokenizer.vocabulary.tokens.count != rows else {
      return NamedTokenizer(tokenizer: model.tokenizer, obstacle: model.tokenizerObstacle)
    }
    let present = tokenizer.vocabulary.tokens.count
    guard let resized = tokenizer.resized(toRows: rows) else {
      let error = WeightmillError(
        .mismatch, model.llama.catalogue.location,
        "has \(present) tokens, but \(rows) embedding rows after the merge",
        remedy: tokenizer.kind == .sentencePiece
          ? "put the adapter's tokenizer.model into its folder"
          : "merge into a folder, and put the adapter's tokenizer.json there")
      // Byte pairs that do not fit are an error for work that needs them, and for no other.
      guard tokenizer.kind == .bytePairs else { throw error }
      return NamedTokenizer(obstacle: error)
    }
    return NamedTokenizer(
      tokenizer: resized,
      notes: [
        "the embeddings have \(rows) rows now, not \(present), but no adapter brings a "
          + "tokenizer.model: rows beyond the base's have no tokens"
      ])
  }
}

extension ScaledAdapter {
  /// What a merged file says of it.
  fileprivate var rule: String { scale == 1 ? "lora" : "lora:\(scale)" }
}

/// Adapters that are merged into a model one after the other.
private struct AdapterMerging {
  private(set) var llama: LlamaModel
  /// The tokenizer of the last one that brings one.
  private(set) var tokenizer: (files: TokenizerFiles, folder: String)?
  private(set) var notes: [String]
  private(set) var files: [String]
  private(set) var sources: [SourceFile]
  /// The one that changed the embeddings last.
  private var earlier: String?

  init(_ model: LoadedModel) {
    (llama, notes, files, sources) = (model.llama, model.notes, model.files, model.sources)
  }

  mutating func add(_ wanted: ScaledAdapter) throws(WeightmillError) {
    let stored = try StoredAdapter(wanted)
    try stored.checkArchitecture(of: llama)
    let merged = try stored.adapter.merged(into: llama)
    notes += stored.notes + merged.notes + replacementNotes(wanted.path, merged)
    if merged.changesEmbeddings { earlier = wanted.path }
    llama = merged.model
    files += stored.files
    sources.append(stored.source)
    if let own = try stored.tokenizer() { tokenizer = (own, wanted.path) }
  }

  /// What the user should know of an adapter whose embeddings take the place of others: a vocabulary
  /// grows from one adapter to the next, so that more rows are the usual case.
  private func replacementNotes(_ path: String, _ merged: AdaptedModel) -> [String] {
    let (before, now) = (
      llama.configuration.vocabularyRows, merged.model.configuration.vocabularyRows
    )
    guard merged.replacesEmbeddings, now < before || (now == before && earlier != nil) else {
      return []
    }
    let rows = "its \(now) embedding rows replace \(before)"
    guard let earlier else {
      return ["LoRA \(path): \(rows): it was made for a model with fewer tokens"]
    }
    return [
      "LoRA \(path): \(rows), and what the earlier adapter \(earlier) made of them is thrown away: "
        + "give adapters in the order in which they were trained"
    ]
  }
}
