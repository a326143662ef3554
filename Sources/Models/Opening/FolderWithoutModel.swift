import WeightmillTensors

/// A folder that was given as a model, and holds none under the names that are looked for.
struct FolderWithoutModel {
  private let folder: Folder

  /// The names of weights that a model's folder may hold.
  private static let weights = [
    "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
    "pytorch_model.bin.index.json", "consolidated.00.pth", "consolidated.safetensors",
    "consolidated.safetensors.index.json",
  ]
  /// The most folders inside that are looked at.
  private static let mostFolders = 200

  init(_ folder: Folder) { self.folder = folder }

  /// What the folder holds instead, and what to do about it.
  var error: WeightmillError {
    if let shard = folder.names.first(where: Self.isShard) {
      return WeightmillError(
        .noInput, folder.path, "holds shards such as \(quoted(shard)), but not their index",
        remedy: "fetch the .index.json file, too")
    }
    if let piece = FilePiece(in: folder) { return piece.error }
    return innerFolders ?? ForeignFiles.error(in: folder) ?? otherFile
      ?? WeightmillError(
        .noInput, folder.path, "holds no checkpoint",
        remedy: "expected model.safetensors or pytorch_model.bin (or their .index.json), "
          + "or Meta's consolidated.00.pth")
  }

  /// Whether a file is one shard of several by its name.
  static func isShard(_ name: String) -> Bool {
    name.contains("-of-") && (name.hasSuffix(".bin") || name.hasSuffix(".safetensors"))
  }

  /// The error for a model that lies in a folder inside: `checkpoint-500`, `snapshots/HASH`, `7B`.
  private var innerFolders: WeightmillError? {
    var found: [(name: String, isAdapter: Bool)] = []
    for name in folder.names.prefix(Self.mostFolders) {
      // A Hugging Face cache has its models one level further down.
      let names =
        name == "snapshots"
        ? ((try? Folder(folder.path(name)))?.names ?? []).prefix(Self.mostFolders).map {
          "\(name)/\($0)"
        } : [name]
      for name in names where Folder.isFolder(folder.path(name)) == true {
        guard let inner = try? Folder(folder.path(name)) else { continue }
        if Self.weights.contains(where: inner.contains) { found.append((name, false)) }
        if HuggingFaceShards.adapterWeights.contains(where: inner.contains),
          !Self.weights.contains(where: inner.contains)
        {
          found.append((name, true))
        }
      }
    }
    let models = found.filter { !$0.isAdapter }
    let candidates = models.isEmpty ? found : models
    guard let last = candidates.map(\.name).max(by: Self.isEarlier) else { return nil }
    let thing = models.isEmpty ? "a LoRA adapter" : "a model"
    let problem =
      candidates.count == 1
      ? "holds no weights itself, but \(thing) in \(quoted(last))"
      : "holds no weights itself, but \(thing) in each of \(candidates.count) folders, such as "
        + quoted(last)
    return WeightmillError(
      .noInput, folder.path, problem,
      remedy: models.isEmpty
        ? "give the base as the model, and --lora \(folder.path(last))"
        : "give that: \(folder.path(last))")
  }

  /// Whether a folder's name has a smaller number at its end, as an earlier checkpoint has.
  private static func isEarlier(_ first: String, than second: String) -> Bool {
    func number(_ name: String) -> Int {
      Int(String(name.reversed().prefix(while: \.isNumber).prefix(15).reversed())) ?? -1
    }
    return (number(first), first) < (number(second), second)
  }

  /// The error for weights under another name.
  private var otherFile: WeightmillError? {
    let suffixes = [".gguf", ".safetensors", ".bin", ".pth", ".pt", ".ckpt"]
    let files = folder.names.filter { name in suffixes.contains(where: name.hasSuffix) }
    guard let first = files.first else {
      let settings = ["config.json", "params.json"].first(where: folder.contains)
      return settings.map {
        WeightmillError(
          .noInput, folder.path, "holds \($0), but no weights: no checkpoint",
          remedy: "fetch the files with the weights, too")
      }
    }
    return WeightmillError(
      .noInput, folder.path,
      "holds no checkpoint under one of the usual names, but \(quoted(first))",
      remedy: "give the file itself: \(folder.path(first))")
  }
}
