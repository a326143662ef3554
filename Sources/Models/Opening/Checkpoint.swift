public import WeightmillGGUF
package import WeightmillLLaMA
import WeightmillMerging
public import WeightmillPyTorch
import WeightmillSafetensors
package import WeightmillStrictJSON
public import WeightmillTensors

/// A path opened by what it holds: a file, or a folder in one of the known layouts.
///
/// Nothing is said yet about whether the tensors make a model: `inspect` shows any checkpoint,
/// `ModelLoader` takes the next step.
public struct Checkpoint: Sendable {
  /// The layout that was found.
  public enum Layout: String, Sendable {
    /// A GGUF file, or the files of a split one.
    case ggufFile = "GGUF file"
    /// One file of `torch.save`.
    case pytorchFile = "PyTorch file"
    /// One safetensors file.
    case safetensorsFile = "safetensors file"
    /// A folder with `model.safetensors` or `pytorch_model.bin`, or their shards and index.
    case huggingFace = "Hugging Face folder"
    /// A folder with a LoRA adapter's weights and `adapter_config.json`.
    case adapter = "LoRA adapter folder"
    /// A folder with `consolidated.NN.pth` and `params.json`.
    case meta = "Meta LLaMA folder"
    /// A folder with `consolidated.safetensors`, or its shards and index, and `params.json`.
    case mistral = "Mistral folder"
  }

  /// The path that was opened.
  public let path: String
  /// The folder that holds its files.
  package let folder: String
  /// The layout that was found.
  public let layout: Layout
  /// The tensors.
  public let catalogue: any Catalogue
  /// The tensors' names, where they are a model's.
  package let names: StoredNames?
  /// The scheme of the tensors' names, where they tell it.
  package var scheme: NamingScheme? { names?.scheme }
  /// The configuration file of the folder, if there is one.
  package let configuration: (path: String, json: JSONValue)?
  /// The metadata of a GGUF file.
  public let metadata: GGUFMetadata?
  /// The `__metadata__` of a safetensors file.
  package let remarks: [(name: String, value: String)]
  /// The version of a GGUF file's format.
  package let formatVersion: Int?
  /// Every file that belongs to it: none of them may be written to.
  package let files: [String]
  /// The files that hold the tensors, in order.
  package let weightFiles: [String]
  /// The tensors of each of these files.
  package let fileCatalogues: [any FileCatalogue]
  /// The number of tensors in each file of a split GGUF file; empty for every other checkpoint.
  package let shardSizes: [Int]
  /// Remarks on what is odd, but no error.
  public let notes: [String]

  /// Opens a file or a folder.
  ///
  /// - Parameters:
  ///   - path: The path.
  ///   - selection: Which tensors of PyTorch files are wanted.
  /// - Throws: `noInput` when there is nothing to open, or the errors of the format found.
  public init(
    path: String, selection: TensorSelection = .model
  ) throws(WeightmillError) {
    try Folder.reach(path)
    switch Folder.isFolder(path) {
    case nil:
      throw FilePiece(ofMissing: path)?.error
        ?? WeightmillError(
          .noInput, path, "no such file or folder",
          remedy: InputPath(path).isListed
            ? "check the path" : "check the address; that of a folder ends in /")
    case true?: try self.init(folder: Folder(path), selection: selection)
    case false?:
      do throws(WeightmillError) {
        try self.init(file: path, selection: selection)
      } catch {
        throw try Self.explained(error, path)
      }
    }
  }

  /// What can be said of a file that could not be opened, from its name.
  private static func explained(
    _ error: WeightmillError, _ path: String
  ) throws(WeightmillError) -> WeightmillError {
    guard error.code == .malformed || error.code == .unsupported else { return error }
    // What was not really fetched is named first, whatever it is called.
    try FileKind.refusePlaceholder(path)
    return FilePiece(piece: path)?.error ?? ForeignFiles.error(ofFile: path) ?? error
  }

  private init(file path: String, selection: TensorSelection) throws(WeightmillError) {
    let kind = try FileKind(path: path)
    var gguf: GGUFShards?
    var safetensors: SafetensorsFile?
    var pytorch: PyTorchFile?
    switch kind {
    case .gguf:
      let shards = try GGUFShards(path: path)
      (gguf, catalogue, layout) = (shards, shards.catalogue, .ggufFile)
    case .pytorch:
      let file = try PyTorchFile(path: path, selection: selection)
      (pytorch, catalogue, layout) = (file, file, .pytorchFile)
    case .safetensors:
      let file = try SafetensorsFile(path: path)
      (safetensors, catalogue, layout) = (file, file, .safetensorsFile)
    }
    self.path = path
    names = StoredNames(catalogue)
    let scheme = names?.scheme
    folder = InputPath(path).folder
    configuration =
      gguf == nil && scheme != nil
      ? try Self.configuration(scheme == .meta ? .meta : .huggingFace, in: folder) : nil
    metadata = gguf?.metadata
    remarks = safetensors?.metadata ?? []
    formatVersion = gguf?.version
    weightFiles = gguf?.files ?? [path]
    let single: [(any FileCatalogue)?] = [pytorch, safetensors]
    fileCatalogues = gguf?.parts ?? single.compactMap(\.self)
    files = weightFiles + (configuration.map { [$0.path] } ?? [])
    shardSizes = gguf?.sizes ?? []
    notes = (pytorch?.notes ?? []) + (names?.notes ?? [])
  }

  /// The file with the model's sizes, if it is there.
  private static func configuration(
    _ layout: Layout, in folder: String
  ) throws(WeightmillError) -> (path: String, json: JSONValue)? {
    let name =
      switch layout {
      case .meta, .mistral: "params.json"
      case .adapter: HuggingFaceShards.adapterConfiguration
      default: "config.json"
      }
    let path = InputPath(folder).appending(name)
    guard Folder.isFolder(path) != nil else { return nil }
    return (path, try TextInput.json(path))
  }

  private init(folder: Folder, selection: TensorSelection) throws(WeightmillError) {
    let metaParts = folder.names.filter { $0.hasPrefix("consolidated.") && $0.hasSuffix(".pth") }
    if !metaParts.isEmpty {
      try self.init(meta: folder, parts: metaParts, selection: selection)
    } else {
      try self.init(huggingFace: folder, selection: selection)
    }
  }

  private init(meta folder: Folder, parts: [String], selection: TensorSelection)
    throws(WeightmillError)
  {
    for (number, name) in parts.enumerated() {
      let digits = number < 10 ? "0\(number)" : "\(number)"
      guard name == "consolidated.\(digits).pth" else {
        throw WeightmillError(
          .noInput, folder.path, "lacks the part consolidated.\(digits).pth; it has \(name)",
          remedy: "fetch the missing part")
      }
    }
    var catalogues: [any FileCatalogue] = []
    var notes: [String] = []
    for name in parts {
      let (catalogue, more) = try Self.openFile(folder.path(name), selection: selection)
      catalogues.append(catalogue)
      notes += more
    }
    // Which parts belong together, and how, is told by the names.
    let partNames = StoredNames(catalogues[0])
    let renamed = catalogues.map { partNames?.renamed($0) ?? $0 }
    notes += partNames?.notes ?? []
    configuration = try Self.configuration(.meta, in: folder.path)
    let sizes = configuration.map { LlamaConfiguration.metaFields($0.json) }
    try ModelParallelParts.check(
      renamed, folder: folder.path, dimension: sizes?.object?["dim"]?.integer)
    path = folder.path
    self.folder = folder.path
    layout = .meta
    catalogue = try JoinedCatalogue(
      renamed, location: folder.path, join: ModelParallelParts.joins(renamed[0]))
    names = StoredNames(catalogue)
    metadata = nil
    remarks = []
    formatVersion = nil
    files = folder.inputs
    shardSizes = []
    weightFiles = parts.map(folder.path)
    fileCatalogues = catalogues
    if folder.contains("config.json") {
      notes.append("the folder holds files of Hugging Face's layout, too; Meta's are used")
    }
    self.notes = notes
  }

  private init(huggingFace folder: Folder, selection: TensorSelection) throws(WeightmillError) {
    let shards = try HuggingFaceShards(folder)
    var parts: [(shard: String, catalogue: any FileCatalogue)] = []
    var notes = shards.notes
    for name in shards.names {
      let (catalogue, more) = try Self.openFile(shards.folder.path(name), selection: selection)
      parts.append((name, catalogue))
      notes += more
    }
    if let index = shards.index { notes += try index.check(parts) }
    path = folder.path
    self.folder = folder.path
    layout = shards.isAdapter ? .adapter : shards.isMistrals ? .mistral : .huggingFace
    catalogue =
      parts.count == 1
      ? parts[0].catalogue : CombinedCatalogue(parts.map(\.catalogue), location: folder.path)
    names = StoredNames(catalogue)
    configuration = try Self.configuration(layout, in: folder.path)
    metadata = nil
    remarks = []
    formatVersion = nil
    files = folder.inputs + (shards.folder.path == folder.path ? [] : shards.folder.inputs)
    shardSizes = []
    weightFiles = shards.names.map(shards.folder.path)
    fileCatalogues = parts.map(\.catalogue)
    self.notes = notes + (names?.notes ?? [])
  }

  /// The number of a model's tensors in each file of a split GGUF file: the model may leave some out.
  ///
  /// - Parameter model: The model that was made of the checkpoint.
  /// - Returns: The numbers; empty for every other checkpoint.
  package func shardSizes(of model: LlamaModel) -> [Int] {
    let names = Set(model.stored.tensors.map { TensorName($0.name) })
    return shardSizes.isEmpty
      ? []
      : fileCatalogues.map { $0.tensors.count { names.contains(TensorName($0.name)) } }
  }

  /// Whether this is a file whose name says that it is one of several.
  package var isPartByName: Bool {
    guard layout == .pytorchFile || layout == .safetensorsFile else { return false }
    let name = InputPath(path).name
    return name.contains("-of-") || name.hasPrefix("consolidated.")
  }

  private static func openFile(
    _ path: String, selection: TensorSelection
  ) throws(WeightmillError) -> (catalogue: any FileCatalogue, notes: [String]) {
    do throws(WeightmillError) {
      switch try FileKind(path: path) {
      case .pytorch:
        let file = try PyTorchFile(path: path, selection: selection)
        return (file, file.notes)
      case .safetensors: return (try SafetensorsFile(path: path), [])
      case .gguf:
        throw WeightmillError(.unsupported, path, "is a GGUF file among a checkpoint's shards")
      }
    } catch {
      throw try explained(error, path)
    }
  }
}
