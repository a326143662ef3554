public import GGUF
public import LLaMA
public import PyTorch
import Safetensors
public import StrictJSON
public import Tensors

/// A path opened by what it holds: a file, or a folder in one of the known layouts.
///
/// Nothing is said yet about whether the tensors make a model: `inspect` shows any checkpoint,
/// `ModelLoader` takes the next step.
public struct Checkpoint: Sendable {
  /// The layout that was found.
  public enum Layout: String, Sendable {
    case ggufFile = "GGUF file"
    case pytorchFile = "PyTorch file"
    case safetensorsFile = "safetensors file"
    case huggingFace = "Hugging Face folder"
    case meta = "Meta LLaMA folder"
  }

  /// The path that was opened.
  public let path: String
  /// The layout that was found.
  public let layout: Layout
  /// The tensors.
  public let catalogue: any Catalogue
  /// How the tensors are named, where their names tell.
  public let scheme: NamingScheme?
  /// The configuration file of the folder, if there is one.
  public let configuration: (path: String, json: JSONValue)?
  /// The metadata of a GGUF file.
  public let metadata: GGUFMetadata?
  /// The `__metadata__` of a safetensors file.
  public let remarks: [(name: String, value: String)]
  /// The version of a GGUF file's format.
  public let formatVersion: Int?
  /// Every file that belongs to it: none of them may be written to.
  public let files: [String]
  /// The files that hold the tensors, in order.
  public let weightFiles: [String]
  /// What is odd about it, but no error.
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
    switch Folder.isFolder(path) {
    case nil:
      throw WeightmillError(.noInput, path, "no such file or folder", remedy: "check the path")
    case true?: try self.init(folder: Folder(path), selection: selection)
    case false?: try self.init(file: path, selection: selection)
    }
  }

  private init(file path: String, selection: TensorSelection) throws(WeightmillError) {
    let kind = try FileKind(path: path)
    var gguf: GGUFFile?
    var safetensors: SafetensorsFile?
    var pytorch: PyTorchFile?
    switch kind {
    case .gguf:
      let file = try GGUFFile(path: path)
      (gguf, catalogue, layout) = (file, file, .ggufFile)
    case .pytorch:
      let file = try PyTorchFile(path: path, selection: selection)
      (pytorch, catalogue, layout) = (file, file, .pytorchFile)
    case .safetensors:
      let file = try SafetensorsFile(path: path)
      (safetensors, catalogue, layout) = (file, file, .safetensorsFile)
    }
    self.path = path
    scheme = Self.scheme(of: catalogue)
    configuration = nil
    metadata = gguf?.metadata
    remarks = safetensors?.metadata ?? []
    formatVersion = gguf?.version
    files = [path]
    weightFiles = [path]
    notes = pytorch?.notes ?? []
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
    var catalogues: [any Catalogue] = []
    for name in parts {
      catalogues.append(try Self.openFile(folder.path(name), selection: selection))
    }
    let params = folder.path("params.json")
    configuration =
      folder.contains("params.json") ? (params, try TextInput.json(params)) : nil
    try ModelParallelParts.check(
      catalogues, folder: folder.path, dimension: configuration?.json.object?["dim"]?.integer)
    path = folder.path
    layout = .meta
    catalogue = try JoinedCatalogue(
      catalogues, location: folder.path, join: ModelParallelParts.join)
    scheme = Self.scheme(of: catalogue)
    metadata = nil
    remarks = []
    formatVersion = nil
    files = folder.inputs
    weightFiles = parts.map(folder.path)
    notes =
      folder.contains("config.json")
      ? ["the folder holds files of Hugging Face's layout, too; Meta's are used"] : []
  }

  private init(huggingFace folder: Folder, selection: TensorSelection) throws(WeightmillError) {
    let shards = try HuggingFaceShards(folder)
    var parts: [(shard: String, catalogue: any Catalogue)] = []
    for name in shards.names {
      parts.append((name, try Self.openFile(folder.path(name), selection: selection)))
    }
    var notes = shards.notes
    if let index = shards.index { notes += try index.check(parts) }
    path = folder.path
    layout = .huggingFace
    catalogue =
      parts.count == 1
      ? parts[0].catalogue : CombinedCatalogue(parts.map(\.catalogue), location: folder.path)
    scheme = Self.scheme(of: catalogue)
    let config = folder.path("config.json")
    configuration =
      folder.contains("config.json") ? (config, try TextInput.json(config)) : nil
    metadata = nil
    remarks = []
    formatVersion = nil
    files = folder.inputs
    weightFiles = shards.names.map(folder.path)
    self.notes = notes
  }

  private static func openFile(
    _ path: String, selection: TensorSelection
  ) throws(WeightmillError) -> any Catalogue {
    switch try FileKind(path: path) {
    case .pytorch: return try PyTorchFile(path: path, selection: selection)
    case .safetensors: return try SafetensorsFile(path: path)
    case .gguf:
      throw WeightmillError(.unsupported, path, "is a GGUF file among a checkpoint's shards")
    }
  }

  private static func scheme(of catalogue: any Catalogue) -> NamingScheme? {
    let schemes: [NamingScheme] = [.huggingFace, .meta, .gguf]
    return schemes.first { scheme in
      catalogue.tensors.contains { scheme.role(of: $0.name) != nil && $0.name != "output.weight" }
    }
  }
}

/// The files of a Hugging Face folder that hold the tensors.
private struct HuggingFaceShards {
  let names: [String]
  let index: ShardIndex?
  let notes: [String]

  init(_ folder: Folder) throws(WeightmillError) {
    let kinds = [("model.safetensors", ".safetensors"), ("pytorch_model.bin", ".bin")]
    var found: [(names: [String], index: ShardIndex?)] = []
    for (single, suffix) in kinds {
      let indexName = single + ".index.json"
      if folder.contains(indexName) {
        let index = try ShardIndex(path: folder.path(indexName), fileExtension: suffix)
        found.append((index.shards, index))
      } else if folder.contains(single) {
        found.append(([single], nil))
      }
    }
    guard let first = found.first else { throw Self.nothingFound(folder) }
    for name in first.names where !folder.contains(name) {
      throw WeightmillError(
        .noInput, folder.path(name), "the shard is missing, but the index names it",
        remedy: "fetch the missing shard")
    }
    names = first.names
    index = first.index
    notes =
      found.count > 1
      ? ["the folder holds the weights twice; the safetensors files are used"] : []
  }

  private static func nothingFound(_ folder: Folder) -> WeightmillError {
    let shard = folder.names.first { name in
      name.contains("-of-") && (name.hasSuffix(".bin") || name.hasSuffix(".safetensors"))
    }
    if let shard {
      return WeightmillError(
        .noInput, folder.path, "holds shards such as \(quoted(shard)), but not their index",
        remedy: "fetch the .index.json file, too")
    }
    return WeightmillError(
      .noInput, folder.path, "holds no checkpoint",
      remedy: "expected model.safetensors or pytorch_model.bin (or their .index.json), "
        + "or Meta's consolidated.00.pth")
  }
}
