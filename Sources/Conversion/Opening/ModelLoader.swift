public import GGUF
public import LLaMA
public import Merging
import StrictJSON
import SystemPackage
public import Tensors
public import Tokenization

/// A whole model ready for use: checked tensors, configuration, vocabulary.
public struct LoadedModel: Sendable {
  /// The tensors with their configuration.
  public let llama: LlamaModel
  /// The vocabulary, padded to the embedding rows; `nil` when no tokenizer was found.
  public let vocabulary: Vocabulary?
  /// The chat template, if the model has one.
  public let chatTemplate: String?
  /// The metadata, if the model came from a GGUF file.
  public let metadata: GGUFMetadata?
  /// The rule by which a delta was merged.
  public let mergeRule: String?
  /// Every file that is read: none of them may be written to.
  public let files: [String]
  /// What the user should know.
  public let notes: [String]
  /// The paths that were asked for.
  public internal(set) var origins: [String] = []
  /// The folder whose configuration and tokenizer files are the model's.
  public internal(set) var settingsFolder: String?
  /// The folder of the tokenizer, if it is an adapter's.
  public internal(set) var tokenizerFolder: String?

  /// The vocabulary, for work that cannot be done without one.
  ///
  /// - Returns: The vocabulary.
  /// - Throws: `mismatch` when the model has none that can be used.
  public func requiredVocabulary() throws(WeightmillError) -> Vocabulary {
    guard let vocabulary else {
      throw WeightmillError(
        .mismatch, llama.catalogue.location, "has no tokenizer that Weightmill can use",
        remedy: "the model needs a SentencePiece tokenizer.model")
    }
    return vocabulary
  }
}

/// Makes models of checkpoints.
public enum ModelLoader {
  /// Opens a model, with a delta added to it if one is given.
  ///
  /// - Parameters:
  ///   - path: A folder in Hugging Face's or Meta's layout, or a GGUF file.
  ///   - delta: The folder of the delta.
  ///   - kind: The delta's family, if it is not to be recognised.
  /// - Returns: The model; configuration and tokenizer are the delta's if there is one.
  /// - Throws: The errors of the formats; `mismatch` when files do not belong together.
  public static func load(
    _ path: String, delta: String? = nil, kind: DeltaKind? = nil
  ) throws(WeightmillError) -> LoadedModel {
    try load(ModelRequest(path, delta: delta, kind: kind))
  }

  /// Opens the model that is asked for.
  ///
  /// - Parameter request: The checkpoint, and what is to be merged into it.
  /// - Returns: The model; configuration and tokenizer are the delta's if there is one.
  /// - Throws: The errors of the formats; `mismatch` when files do not belong together.
  public static func load(_ request: ModelRequest) throws(WeightmillError) -> LoadedModel {
    var model = try loadWithAdapters(request)
    model.origins = request.paths
    let settings = request.delta ?? request.path
    model.settingsFolder =
      Folder.isFolder(settings) == true ? settings : FilePath(settings).folder.string
    return model
  }

  /// The model that is asked for, before adapters are merged into it.
  static func loadWithoutAdapters(
    _ request: ModelRequest
  ) throws(WeightmillError) -> LoadedModel {
    let checkpoint = try Checkpoint(path: request.path, selection: request.selection)
    let llama = try model(checkpoint)
    guard let deltaPath = request.delta else { return try whole(checkpoint, llama) }
    guard checkpoint.layout != .ggufFile else {
      throw WeightmillError(
        .unsupported, request.path, "is a GGUF file; a delta is added to the original checkpoint",
        remedy: "give the folder in Meta's or Hugging Face's layout")
    }
    let delta = try Checkpoint(path: deltaPath, selection: request.selection)
    return try merged(checkpoint, llama, delta: delta, kind: request.deltaKind)
  }

  /// Checks that a checkpoint holds a LLaMA model.
  ///
  /// - Parameter checkpoint: The checkpoint.
  /// - Returns: The model.
  /// - Throws: `unsupported`, `malformed` or `mismatch`.
  public static func model(_ checkpoint: Checkpoint) throws(WeightmillError) -> LlamaModel {
    if let error = checkpoint.misplacedAdapter { throw error }
    guard let scheme = checkpoint.scheme else {
      throw WeightmillError(
        .unsupported, checkpoint.path, "holds no tensors with a LLaMA model's names",
        remedy: "see what it holds with `weightmill inspect`")
    }
    let configuration: LlamaConfiguration
    if let metadata = checkpoint.metadata {
      if let count = metadata["split.count"]?.integer, count > 1 {
        throw WeightmillError(
          .unsupported, checkpoint.path, "is one of \(count) split files, which are not read yet",
          remedy: "join them with llama.cpp's gguf-split")
      }
      configuration = try LlamaConfiguration(
        gguf: metadata, catalogue: checkpoint.catalogue)
    } else if let file = checkpoint.configuration, scheme == .meta {
      configuration = try LlamaConfiguration(
        meta: file.json, location: file.path, tensors: checkpoint.catalogue.tensors)
    } else if let file = checkpoint.configuration {
      configuration = try LlamaConfiguration(huggingFace: file.json, location: file.path)
    } else {
      throw WeightmillError(
        .noInput, checkpoint.path,
        "has no \(scheme == .meta ? "params.json" : "config.json") with the model's sizes beside it",
        remedy: "give the whole folder of the model")
    }
    do throws(WeightmillError) {
      return try LlamaModel(
        catalogue: checkpoint.catalogue, configuration: configuration, scheme: scheme)
    } catch {
      guard checkpoint.isPartByName else { throw error }
      throw WeightmillError(
        error.code, checkpoint.path, "holds a part of the model only",
        remedy: "give the folder, \(checkpoint.folder)")
    }
  }

  /// The vocabulary of a model, whatever its weights are.
  ///
  /// - Parameter path: A folder, a GGUF file, or a SentencePiece `tokenizer.model` by itself.
  /// - Returns: The vocabulary, padded to the embedding rows.
  /// - Throws: `noInput` when it has none; the errors of the formats.
  public static func vocabulary(_ path: String) throws(WeightmillError) -> Vocabulary {
    if Folder.isFolder(path) == false, try !FileKind.isKnown(path) {
      try FileKind.refusePlaceholder(path)
      return try SentencePieceModel(path: path).vocabulary
    }
    let checkpoint = try Checkpoint(path: path)
    let missing = WeightmillError(
      .noInput, path, "has no tokenizer that Weightmill can use",
      remedy: "the model needs a SentencePiece tokenizer.model")
    if let metadata = checkpoint.metadata {
      guard let vocabulary = try Vocabulary(gguf: metadata, location: path) else { throw missing }
      return vocabulary
    }
    let rows = try model(checkpoint).configuration.vocabularyRows
    guard let files = try TokenizerFiles(Folder(checkpoint.folder), checkpoint) else {
      throw missing
    }
    return try files.vocabulary(rows: rows)
  }

  private static func whole(
    _ checkpoint: Checkpoint, _ llama: LlamaModel
  ) throws(WeightmillError) -> LoadedModel {
    if let metadata = checkpoint.metadata {
      return LoadedModel(
        llama: llama, vocabulary: try Vocabulary(gguf: metadata, location: checkpoint.path),
        chatTemplate: metadata["tokenizer.chat_template"]?.string, metadata: metadata,
        mergeRule: nil, files: checkpoint.files, notes: checkpoint.notes)
    }
    try ModelNature.requireWhole(
      llama, remedy: "give the base as the model and this folder with --delta")
    let tokenizer = try TokenizerFiles(Folder(checkpoint.folder), checkpoint)
    return LoadedModel(
      llama: llama, vocabulary: try tokenizer?.vocabulary(rows: llama.configuration.vocabularyRows),
      chatTemplate: tokenizer?.chatTemplate(), metadata: nil, mergeRule: nil,
      files: checkpoint.files + (tokenizer?.files ?? []),
      notes: checkpoint.notes + contextNotes(checkpoint, llama) + (tokenizer?.notes ?? []))
  }

  /// Meta's files do not say how many tokens a model was trained to see.
  private static func contextNotes(_ checkpoint: Checkpoint, _ llama: LlamaModel) -> [String] {
    guard llama.scheme == .meta,
      let json = checkpoint.configuration?.json,
      LlamaConfiguration.metaFields(json).object?["max_seq_len"] == nil
    else { return [] }
    return [
      "params.json does not say the context length; \(llama.configuration.contextLength) is "
        + "assumed, which is LLaMA 1's (Llama 2: 4096)"
    ]
  }

  private static func merged(
    _ base: Checkpoint, _ baseModel: LlamaModel, delta: Checkpoint, kind forced: DeltaKind?
  ) throws(WeightmillError) -> LoadedModel {
    let deltaModel = try model(delta)
    let (kind, notes) = try DeltaCheck.check(base: baseModel, delta: deltaModel, kind: forced)
    let llama = try LlamaModel(
      catalogue: MergedCatalogue(base: baseModel, delta: deltaModel, kind: kind),
      configuration: deltaModel.configuration, scheme: .huggingFace)
    let tokenizer = try TokenizerFiles(Folder(delta.folder), delta)
    return LoadedModel(
      llama: llama, vocabulary: try tokenizer?.vocabulary(rows: llama.configuration.vocabularyRows),
      chatTemplate: tokenizer?.chatTemplate() ?? tokenizer?.ziyaChatTemplate(), metadata: nil,
      mergeRule: kind.rawValue,
      files: base.files + delta.files + (tokenizer?.files ?? []),
      notes: base.notes + delta.notes + notes + (tokenizer?.notes ?? []))
  }
}
