import WeightmillGGUF
public import WeightmillLLaMA
public import WeightmillMerging
import WeightmillSentencePiece
import WeightmillStrictJSON
public import WeightmillTensors
public import WeightmillTokenization

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
    model.notes += adaptersBeside(request)
    model.origins = request.paths
    let settings = request.delta ?? request.path
    model.settingsFolder =
      Folder.isFolder(settings) == true ? settings : InputPath(settings).folder
    // What a base's card says of it is not true of what was made of it.
    model.cardFolder = request.adapters.last?.path ?? model.settingsFolder
    return model
  }

  /// The model that is asked for, before adapters are merged into it.
  package static func loadWithoutAdapters(
    _ request: ModelRequest
  ) throws(WeightmillError) -> LoadedModel {
    let checkpoint = try Checkpoint(path: request.path, selection: request.selection)
    let checked = try CheckedModel(checkpoint, try checkpoint.modelCatalogue())
    guard let deltaPath = request.delta else {
      var model = try whole(checkpoint, checked, cutAsIn: request.preTokenizer)
      model.sources = SourceFile.all(of: checkpoint, side: .model, checked.llama.configuration)
      return model
    }
    guard checkpoint.layout != .ggufFile else {
      throw WeightmillError(
        .unsupported, request.path, "is a GGUF file; a delta is added to the original checkpoint",
        remedy: "give the folder in Meta's or Hugging Face's layout")
    }
    let delta = try Checkpoint(path: deltaPath, selection: request.selection)
    for side in [checkpoint, delta] { try side.refuseQuantized() }
    return try merged(checkpoint, checked, delta: delta, request)
  }

  /// Checks that a checkpoint holds a LLaMA model.
  ///
  /// - Parameter checkpoint: The checkpoint.
  /// - Returns: The model.
  /// - Throws: `unsupported`, `malformed` or `mismatch`.
  public static func model(_ checkpoint: Checkpoint) throws(WeightmillError) -> LlamaModel {
    try CheckedModel(checkpoint, try checkpoint.modelCatalogue()).llama
  }

  /// Checks that a checkpoint holds a model, and says what is odd about both.
  ///
  /// - Parameter checkpoint: The checkpoint.
  /// - Returns: The model and the notes.
  /// - Throws: `unsupported`, `malformed` or `mismatch`.
  package static func checkedModel(
    _ checkpoint: Checkpoint
  ) throws(WeightmillError) -> (model: LlamaModel, notes: [String]) {
    let checked = try CheckedModel(checkpoint, try checkpoint.modelCatalogue())
    return (checked.llama, checkpoint.modelNotes + checked.notes)
  }

  /// The tokenizer of a model, whatever its weights are.
  ///
  /// - Parameter path: A folder; a GGUF file; a SentencePiece `tokenizer.model`, LLaMA 3's or a
  ///   `tokenizer.json` by itself, or the latter two in a folder that has no SentencePiece model.
  /// - Returns: The tokenizer; of a model in the layouts of SentencePiece's time and of GGUF, with a
  ///   token for each embedding row.
  /// - Throws: `noInput` when there is none; the errors of the formats.
  public static func tokenizer(_ path: String) throws(WeightmillError) -> ModelTokenizer {
    try tokenizer(path, cutAsIn: nil)
  }

  /// The tokenizer of a model, whatever its weights are.
  ///
  /// - Parameters:
  ///   - path: As for `tokenizer(_:)`.
  ///   - name: llama.cpp's name for the way byte pairs cut text, whatever the files say.
  /// - Returns: The tokenizer.
  /// - Throws: As `tokenizer(_:)`.
  package static func tokenizer(
    _ path: String, cutAsIn name: String?
  ) throws(WeightmillError) -> ModelTokenizer {
    if let file = try BytePairFile(path) {
      let read = try file.vocabulary()
      return .bytePairs(
        BPETokenizer(
          try name.map { (name) throws(WeightmillError) in try read.cutting(asIn: name) } ?? read))
    }
    if Folder.isFolder(path) == false, try !FileKind.isKnown(path) {
      try FileKind.refusePlaceholder(path)
      return .sentencePiece(try SentencePieceModel(path: path).tokenizer)
    }
    let checkpoint = try Checkpoint(path: path)
    let missing = WeightmillError(
      .noInput, path, "has no tokenizer that Weightmill can use",
      remedy: "the model needs a tokenizer.model or a tokenizer.json")
    if let metadata = checkpoint.metadata {
      guard let tokenizer = try ModelTokenizer(gguf: metadata, location: path, cutAsIn: name)
      else { throw missing }
      return tokenizer
    }
    let rows = try model(checkpoint).configuration.vocabularyRows
    guard let files = try TokenizerFiles(Folder(checkpoint.folder), checkpoint) else {
      throw missing
    }
    return try files.tokenizer(rows: rows, cutAsIn: name).tokenizer
  }

  private static func whole(
    _ checkpoint: Checkpoint, _ checked: CheckedModel, cutAsIn name: String?
  ) throws(WeightmillError) -> LoadedModel {
    let llama = checked.llama
    if let metadata = checkpoint.metadata {
      let found = try FoundTokenizer(metadata, location: checkpoint.path, cutAsIn: name)
      var model = LoadedModel(
        llama: llama, tokenizer: found.tokenizer,
        chatTemplates: try ChatTemplates(gguf: metadata, location: checkpoint.path),
        metadata: metadata, mergeRule: nil, files: checkpoint.files,
        notes: checkpoint.notes + checked.notes + ConfigurationNotes.notes(llama, nil)
          + found.notes)
      model.tokenizerObstacle = found.obstacle
      model.shardSizes = checkpoint.shardSizes(of: llama)
      return model
    }
    try ModelNature.requireWhole(
      llama, remedy: "give the base as the model and this folder with --delta")
    let found = try FoundTokenizer(
      checkpoint, rows: llama.configuration.vocabularyRows, cutAsIn: name)
    var model = LoadedModel(
      llama: llama, tokenizer: found.tokenizer,
      chatTemplates: found.files?.chatTemplates ?? ChatTemplates(),
      metadata: nil, mergeRule: nil, files: checkpoint.files + (found.files?.files ?? []),
      notes: checkpoint.modelNotes + checked.notes
        + visionNotes(checkpoint.catalogue.tensors.map(\.name).filter(VisionTensors.contains))
        + ConfigurationNotes.notes(llama, checkpoint.configuration?.json) + found.notes)
    model.tokenizerObstacle = found.obstacle
    return model
  }

  private static func merged(
    _ base: Checkpoint, _ checkedBase: CheckedModel, delta: Checkpoint, _ request: ModelRequest
  ) throws(WeightmillError) -> LoadedModel {
    let baseModel = checkedBase.llama
    let vision = delta.catalogue.tensors.map(\.name).filter(VisionTensors.contains)
    let checkedDelta = try CheckedModel(
      delta,
      SelectedCatalogue(try delta.modelCatalogue()) { !VisionTensors.contains($0.name) },
      alsoNamed: VisionTensors.modelTypes)
    let deltaModel = checkedDelta.llama
    let (kind, notes) = try DeltaCheck.check(
      base: baseModel, delta: deltaModel, kind: request.deltaKind, hasVision: !vision.isEmpty,
      forcesBase: request.forcesBase)
    var catalogue: any Catalogue = try MergedCatalogue(
      base: baseModel, delta: deltaModel, kind: kind)
    var sum: LoadedModel.Sum?
    if kind.type == .f32 {
      let summed = SummedCatalogue(catalogue, deltaModel.configuration)
      sum = LoadedModel.Sum(
        catalogue: summed, kind: kind, configuration: deltaModel.configuration)
      catalogue = summed
    }
    let llama = try LlamaModel(
      catalogue: catalogue, configuration: deltaModel.configuration, scheme: .huggingFace)
    let found = try FoundTokenizer(
      delta, rows: llama.configuration.vocabularyRows, cutAsIn: request.preTokenizer)
    var model = LoadedModel(
      llama: llama, tokenizer: found.tokenizer,
      chatTemplates: found.files?.dialogueTemplates ?? ChatTemplates(), metadata: nil,
      mergeRule: kind.rawValue, files: base.files + delta.files + (found.files?.files ?? []),
      notes: base.modelNotes + checkedBase.notes + delta.modelNotes + checkedDelta.notes
        + visionNotes(vision) + notes
        + ConfigurationNotes.notes(deltaModel, delta.configuration?.json) + found.notes)
    model.tokenizerObstacle = found.obstacle
    model.sources =
      SourceFile.all(of: base, side: .base, baseModel.configuration)
      + SourceFile.all(of: delta, side: .delta, deltaModel.configuration)
    model.sum = sum
    return model
  }

  private static func visionNotes(_ names: [String]) -> [String] {
    guard !names.isEmpty else { return [] }
    return [
      "left out, being of a vision part: " + TensorFault.summary(names.map { TensorFault($0, "") })
    ]
  }
}
