import WeightmillGGUF
import WeightmillLLaMA
import WeightmillMerging
import WeightmillModelCards
public import WeightmillModels
import WeightmillQuantization
public import WeightmillTensors
import WeightmillTokenization

/// Plans of GGUF files.
extension ConversionPlan {
  /// Plans the conversion of a checkpoint to a GGUF file.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - mix: The types.
  ///   - name: What `general.name` shall say.
  /// - Throws: `noInput` when the model has no tokenizer, `unsupported` when llama.cpp has no form for
  ///   it, or no name for the way in which it cuts text.
  public init(
    convert model: LoadedModel, to mix: TypeMix, name: String
  ) throws(WeightmillError) {
    try self.init(convert: model, with: QuantizationOptions(mix), name: name)
  }

  /// Plans the conversion of a checkpoint to a GGUF file.
  ///
  /// - Parameters:
  ///   - whole: The model.
  ///   - options: The types.
  ///   - name: What `general.name` shall say.
  /// - Throws: `noInput` when the model has no tokenizer, `unsupported` when llama.cpp has no form for
  ///   it, or no name for the way in which it cuts text; `usage` and `mismatch` for options that do not fit the model.
  public init(
    convert whole: LoadedModel, with options: QuantizationOptions, name: String
  ) throws(WeightmillError) {
    try self.init(
      convert: whole, with: options, describedBy: CardSource(name: name, fallback: name))
  }

  /// Plans the conversion of a checkpoint to a GGUF file, with what its model card says of it.
  ///
  /// - Parameters:
  ///   - whole: The model.
  ///   - options: The types.
  ///   - source: Where the words come from that the file has on the model.
  /// - Throws: As without a card; `malformed` for words of the user's that do not fit.
  package init(
    convert whole: LoadedModel, with options: QuantizationOptions, describedBy source: CardSource
  ) throws(WeightmillError) {
    guard whole.metadata == nil else {
      throw WeightmillError(
        .unsupported, whole.llama.catalogue.location, "is a GGUF file already",
        remedy:
          "use `weightmill quantize` to change its types, or --format safetensors for a folder "
          + "that transformers loads")
    }
    guard let tokenizer = whole.tokenizer else {
      throw whole.tokenizerObstacle
        ?? WeightmillError(
          .noInput, whole.llama.catalogue.location, "has no tokenizer",
          remedy: "put the model's tokenizer.model or tokenizer.json into its folder")
    }
    let stored = try tokenizer.stored.loadable(whole.llama.catalogue.location)
    guard let mix = options.mix else {
      throw WeightmillError(
        .usage, whole.llama.catalogue.location, "is no GGUF file, whose types could be kept",
        remedy: "choose a type, such as f16")
    }
    try Self.check(options, whole.llama.catalogue.location)
    let (model, layers) = try whole.pruned(options.prunedLayers)
    let view = LlamaView(model.llama, as: .gguf)
    let tensors = try GGUFItems(
      view, MixedSource(model.llama), layers: layers, options,
      rowGroup: model.llama.rowOrder == model.llama.architecture.rowOrder
        ? 1 : model.llama.configuration.headDimension)
    let card = try source.card(of: model)
    var metadata = GGUFMetadata(model, stored, card: card, fileType: mix.fileType)
    metadata.apply(options)
    Provenance.describe(
      tensors.items.map(\.planned), options.method, mergeRule: model.mergeRule, in: &metadata)
    var notes = stored.notes + card.notes + tensors.notes
    if options.keepsSplit { notes.append("--keep-split has no effect: the input is no GGUF file") }
    if options.allowsRequantizing {
      notes.append("--allow-requantize has no effect: the input is no GGUF file")
    }
    self.init(
      tensors, from: view, to: .gguf(metadata), options, PlanOrigin(model),
      override: source.override, notes: notes)
  }

  /// Plans the quantization of a GGUF file: its metadata and its order of tensors are kept.
  ///
  /// - Parameters:
  ///   - model: The model, from a GGUF file.
  ///   - mix: The types.
  ///   - allowsRequantizing: Whether tensors may be quantized a second time.
  /// - Throws: `unsupported` when the file is quantized already.
  public init(
    quantize model: LoadedModel, to mix: TypeMix, allowsRequantizing: Bool
  ) throws(WeightmillError) {
    var options = QuantizationOptions(mix)
    options.allowsRequantizing = allowsRequantizing
    try self.init(quantize: model, with: options)
  }

  /// Plans the quantization of a GGUF file: its metadata and its order of tensors are kept.
  ///
  /// - Parameters:
  ///   - whole: The model, from a GGUF file or a split one.
  ///   - options: The types.
  /// - Throws: `unsupported` when the file is quantized already and its types shall change; `usage`
  ///   and `mismatch` for options that do not fit the model.
  public init(
    quantize whole: LoadedModel, with options: QuantizationOptions
  ) throws(WeightmillError) {
    guard let metadata = whole.metadata else {
      throw Self.noGGUFFile(whole.llama.catalogue.location, options)
    }
    let (model, layers) = try whole.pruned(options.prunedLayers)
    var pruned = metadata
    if !options.prunedLayers.isEmpty {
      let key = model.llama.architecture.name(of: .blockCount)
      pruned[key] = .uint32(UInt32(layers.count))
    }
    try self.init(
      quantize: MixedSource(model.llama), layers: layers, from: model.llama.catalogue,
      PlanOrigin(model), pruned, with: options, shards: (model.shardCount, model.shards), notes: [])
  }

  /// Plans the quantization of a GGUF file of any architecture: types go by the tensors' names.
  ///
  /// - Parameters:
  ///   - checkpoint: The file, or a split one.
  ///   - options: The types.
  /// - Throws: `unsupported` when it is no GGUF file, or quantized already and its types shall change;
  ///   `usage` and `mismatch` for options that do not fit the file.
  public init(
    quantize checkpoint: Checkpoint, with options: QuantizationOptions
  ) throws(WeightmillError) {
    guard let metadata = checkpoint.metadata else {
      throw Self.noGGUFFile(checkpoint.path, options)
    }
    let subject = MixedSource(checkpoint.catalogue, metadata)
    let name = metadata["general.architecture"]?.string ?? "none"
    guard options.prunedLayers.isEmpty else {
      throw WeightmillError(
        .unsupported, checkpoint.path,
        "is of architecture \(quoted(name)), of which it is not known what its layers are",
        remedy: "leave out --prune-layers")
    }
    let shards = checkpoint.shardSizes.enumerated().flatMap {
      [Int](repeating: $0.offset, count: $0.element)
    }
    var notes = [
      "the architecture \(quoted(name)) is not computed by Weightmill: types go by the names of "
        + "tensors, as llama.cpp's do, and whether the model is whole is not checked"
    ]
    if name == "falcon" { notes.append("llama.cpp has types of its own for falcon") }
    try self.init(
      quantize: subject, layers: [], from: checkpoint.catalogue, PlanOrigin(checkpoint), metadata,
      with: options, shards: (max(checkpoint.shardSizes.count, 1), shards), notes: notes)
  }

  private static func noGGUFFile(_ path: String, _ options: QuantizationOptions) -> WeightmillError
  {
    let type = options.mix.map { " --type \($0.rawValue.lowercased())" } ?? ""
    return WeightmillError(
      .unsupported, path, "is not a GGUF file",
      remedy: "use `weightmill convert …\(type)`, in one step")
  }

  private init(
    quantize subject: MixedSource, layers: [Int], from catalogue: any Catalogue,
    _ origin: PlanOrigin, _ written: GGUFMetadata, with options: QuantizationOptions,
    shards: (count: Int, ofTensors: [Int]), notes: [String]
  ) throws(WeightmillError) {
    if let quantized = catalogue.tensors.first(where: { !$0.type.isFloat && subject.counts($0) }),
      !options.allowsRequantizing, options.mix != nil
    {
      throw WeightmillError(
        .unsupported, catalogue.location,
        "is quantized already: tensor \(quoted(quantized.name)) is \(quantized.type.name)",
        remedy: "start from the F16 file, or give --allow-requantize and accept the loss")
    }
    try Self.check(options, catalogue.location)
    let tensors = try GGUFItems(
      catalogue, subject, layers: layers, options, shards: shards.ofTensors)
    var metadata = written
    metadata.removeAll { $0.hasPrefix("split.") }
    if let mix = options.mix { metadata["general.file_type"] = .uint32(mix.fileType) }
    metadata["general.quantization_version"] = .uint32(2)
    metadata["general.alignment"] = nil
    metadata.apply(options)
    Provenance.describe(tensors.items.map(\.planned), options.method, mergeRule: nil, in: &metadata)
    var notes = notes + tensors.notes
    let count = options.keepsSplit ? shards.count : 1
    if options.keepsSplit, count == 1 {
      notes.append("--keep-split has no effect: the input is one file")
    }
    self.init(
      tensors, from: catalogue,
      to: count > 1 ? .splitGGUF(metadata, files: count) : .gguf(metadata), options, origin,
      notes: notes)
  }

  /// What Weightmill itself says in a file is not to be set by hand.
  private static func check(_ options: QuantizationOptions, _ path: String) throws(WeightmillError)
  {
    for override in options.overrides where override.key.hasPrefix(Provenance.prefix) {
      throw WeightmillError(
        .usage, path, "the key \(quoted(override.key)) says how Weightmill made the file",
        remedy: "leave it out of --override-kv")
    }
  }

  private init(
    _ tensors: GGUFItems, from source: any Catalogue, to output: Container,
    _ options: QuantizationOptions, _ origin: PlanOrigin, override: String? = nil,
    notes: [String]
  ) {
    self.source = source
    items = tensors.items
    self.output = output
    method = options.method
    sources = origin.sources
    namesSources = !(origin.metadata.map(Provenance.namesSources) ?? false)
    hashing = namesSources ? .all : .none
    inputs = origin.files + [options.importance?.path, override].compactMap(\.self)
    origins = origin.paths
    isMerged = origin.isMerged
    self.notes = notes
    obstacle = tensors.obstacle
  }

  /// A model's name taken from that of its file: `ziya-13b-f16.gguf` gives `ziya-13b`.
  ///
  /// - Parameters:
  ///   - output: The path of the file.
  ///   - mix: The types, whose name is left out.
  /// - Returns: The name.
  package static func modelName(output: String, mix: TypeMix) -> String {
    var name = output.split(separator: "/").last.map(String.init) ?? output
    if name.lowercased().hasSuffix(".gguf") { name.removeLast(5) }
    let suffix = mix.rawValue.lowercased()
    if name.lowercased().hasSuffix(suffix), name.count > suffix.count + 1,
      "-._".contains(name.dropLast(suffix.count).last ?? " ")
    {
      name.removeLast(suffix.count + 1)
    }
    return name
  }
}

/// The files that a plan reads.
private struct PlanOrigin {
  let sources: [SourceFile]
  let metadata: GGUFMetadata?
  let files: [String]
  let paths: [String]
  let isMerged: Bool

  init(_ model: LoadedModel) {
    sources = model.sources
    metadata = model.metadata
    files = model.files
    paths = model.origins
    isMerged = model.mergeRule != nil
  }

  init(_ checkpoint: Checkpoint) {
    sources = zip(checkpoint.weightFiles, checkpoint.fileCatalogues).enumerated().map {
      number, file in
      SourceFile(
        path: file.0, side: .model, kind: .weights(number), mayBeKnown: false, catalogue: file.1)
    }
    metadata = checkpoint.metadata
    files = checkpoint.files
    paths = [checkpoint.path]
    isMerged = false
  }
}

extension GGUFMetadata {
  /// Says what importance was used, and sets what is to be set whatever the input says.
  fileprivate mutating func apply(_ options: QuantizationOptions) {
    if let importance = options.importance, !importance.entries.isEmpty {
      // Names of files only: paths tell of the machine they were on.
      func name(_ path: String) -> GGUFValue {
        .string(path.split(separator: "/").last.map(String.init) ?? path)
      }
      self["quantize.imatrix.file"] = name(importance.path)
      if let dataset = importance.dataset { self["quantize.imatrix.dataset"] = name(dataset) }
      self["quantize.imatrix.entries_count"] = .uint32(
        UInt32(clamping: importance.entries.count))
      if importance.chunkCount > 0 {
        self["quantize.imatrix.chunks_count"] = .uint32(UInt32(clamping: importance.chunkCount))
      }
    }
    for override in options.overrides { self[override.key] = override.value }
  }
}
