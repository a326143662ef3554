import LLaMA
import Merging
package import Tensors
import Tokenization

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
    var llama = model.llama
    var tokenizer: (files: TokenizerFiles, folder: String)?
    var (notes, files, sources) = (model.notes, model.files, model.sources)
    for path in request.adapters {
      let folder = try AdapterFolder(path)
      let merged = try folder.adapter.merged(into: llama)
      llama = merged.model
      notes += folder.notes + merged.notes
      files += folder.files
      sources.append(folder.source)
      if let own = try folder.tokenizer() { tokenizer = (own, path) }
    }
    let rules = (model.mergeRule.map { [$0] } ?? []) + request.adapters.map { _ in "lora" }
    let rows = llama.configuration.vocabularyRows
    let named =
      if let tokenizer {
        try vocabulary(tokenizer.files, rows: rows, folder: tokenizer.folder)
      } else {
        try vocabulary(of: model, rows: rows)
      }
    var adapted = LoadedModel(
      llama: llama, vocabulary: named.vocabulary,
      chatTemplate: tokenizer?.files.chatTemplate() ?? model.chatTemplate, metadata: nil,
      mergeRule: rules.joined(separator: "+"), files: files + (tokenizer?.files.files ?? []),
      notes: notes + named.notes)
    adapted.tokenizerFolder = tokenizer?.folder
    adapted.sources = sources
    return adapted
  }

  /// The vocabulary that an adapter brings along.
  private static func vocabulary(
    _ tokenizer: TokenizerFiles, rows: Int, folder: String
  ) throws(WeightmillError) -> (vocabulary: Vocabulary?, notes: [String]) {
    do throws(WeightmillError) {
      let vocabulary = try tokenizer.vocabulary(rows: rows)
      let unnamed = vocabulary.tokens.reversed().prefix { $0.kind == .unused }.count
      return (
        vocabulary,
        tokenizer.notes + ["the tokenizer is that of \(folder)"]
          + (unnamed > 0 ? ["\(unnamed) of \(rows) embedding rows have no token in it"] : [])
      )
    } catch {
      guard error.code == .mismatch else { throw error }
      throw WeightmillError(
        .mismatch, error.file, error.problem, at: error.position,
        remedy: "it came with the adapter; if it is not the merged model's, take it away from there"
      )
    }
  }

  /// The vocabulary of the model itself, for as many rows as adapters left it.
  private static func vocabulary(
    of model: LoadedModel, rows: Int
  ) throws(WeightmillError) -> (vocabulary: Vocabulary?, notes: [String]) {
    guard var vocabulary = model.vocabulary, vocabulary.tokens.count != rows else {
      return (model.vocabulary, [])
    }
    let present = vocabulary.tokens.count
    guard vocabulary.tokens.dropFirst(rows).allSatisfy({ $0.kind == .unused }) else {
      throw WeightmillError(
        .mismatch, model.llama.catalogue.location,
        "has \(present) tokens, but \(rows) embedding rows after the merge",
        remedy: "put the adapter's tokenizer.model into its folder")
    }
    vocabulary = Vocabulary(
      tokens: Array(vocabulary.tokens.prefix(rows)), special: vocabulary.special)
    vocabulary.pad(toRows: rows)
    return (
      vocabulary,
      [
        "the embeddings have \(rows) rows now, not \(present), but no adapter brings a "
          + "tokenizer.model: rows beyond the base's have no tokens"
      ]
    )
  }
}
