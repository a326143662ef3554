import WeightmillTensors

/// The files of a Hugging Face folder that hold the tensors.
struct HuggingFaceShards {
  /// The name of a LoRA adapter's configuration.
  static let adapterConfiguration = "adapter_config.json"
  /// The names that an adapter's tensors may be under; the first one that is there counts.
  static let adapterWeights = ["adapter_model.safetensors", "adapter_model.bin"]

  /// The file in which MLX saved an adapter: the last one, or one of those it saved on the way.
  static func adapterOfMLX(in folder: Folder) -> String? {
    ["adapters.safetensors", "adapters.npz"].first(where: folder.contains)
      ?? folder.names.first { $0.hasSuffix("_adapters.safetensors") }
  }

  /// The folder that they lie in.
  let folder: Folder
  let names: [String]
  let index: ShardIndex?
  let isAdapter: Bool
  /// Whether the tensors are in the files that Mistral publishes beside Hugging Face's, with
  /// `params.json` for their sizes.
  let isMistrals: Bool
  let notes: [String]

  /// A file of tensors, or the index of several.
  private struct Source {
    let name: String
    let shards: [String]
    let index: ShardIndex?
  }

  /// Chooses as transformers does: safetensors before `.bin`, one file before shards.
  init(_ folder: Folder) throws(WeightmillError) {
    if let inner = try Self.inner(folder) {
      self = inner
      return
    }
    var found: Source?
    var others: [String] = []
    for (single, suffix) in [("model.safetensors", ".safetensors"), ("pytorch_model.bin", ".bin")] {
      let index = single + ".index.json"
      for name in [single, index] where folder.contains(name) {
        if found == nil {
          found = try Self.source(single, index, suffix, in: folder)
        } else if found?.index?.path != folder.path(name) {
          others.append(name)
        }
      }
    }
    // The same weights once more, if there are Hugging Face's.
    var isMistrals = false
    let own = "consolidated.safetensors"
    if found == nil, folder.contains(own) || folder.contains(own + ".index.json") {
      found = try Self.source(own, own + ".index.json", ".safetensors", in: folder)
      isMistrals = true
    }
    // A LoRA adapter's folder holds no model, but tensors that can be looked at.
    let adapter = Self.adapterWeights.first(where: folder.contains)
    isAdapter = found == nil && adapter != nil
    if isAdapter, let adapter { found = Source(name: adapter, shards: [adapter], index: nil) }
    guard let found else { throw FolderWithoutModel(folder).error }
    let links = try Self.check(found.shards, of: found.name, in: folder)
    self.folder = folder
    self.isMistrals = isMistrals
    names = found.shards
    index = found.index
    notes =
      others.isEmpty
      ? links
      : links + [
        HelpTopic.twoSources.after(
          "the folder holds weights more than once: \(found.name) is used, as transformers does, not "
            + others.joined(separator: " or "))
      ]
  }

  /// One file, or shards. An index beside the file may name nothing but the file.
  private static func source(
    _ single: String, _ index: String, _ suffix: String, in folder: Folder
  ) throws(WeightmillError) -> Source {
    guard folder.contains(single) else {
      let shards = try ShardIndex(path: folder.path(index), fileExtension: suffix)
      return Source(name: index, shards: shards.shards, index: shards)
    }
    let beside =
      folder.contains(index)
      ? try? ShardIndex(path: folder.path(index), fileExtension: suffix) : nil
    return Source(
      name: single, shards: [single], index: beside?.shards == [single] ? beside : nil)
  }

  /// The weights of a folder that has the name of a file: `zero_to_fp32.py` makes one where it is told
  /// to write a file.
  private static func inner(_ folder: Folder) throws(WeightmillError) -> HuggingFaceShards? {
    for name in ["model.safetensors", "pytorch_model.bin"] where folder.contains(name) {
      guard Folder.isFolder(folder.path(name)) == true else { return nil }
      let inside = try Folder(folder.path(name))
      let nested = ["model.safetensors", "pytorch_model.bin"].filter(inside.contains)
      guard !nested.contains(where: { Folder.isFolder(inside.path($0)) == true }) else {
        return nil
      }
      let shards = try HuggingFaceShards(inside)
      guard !shards.isAdapter else { return nil }
      return HuggingFaceShards(
        shards,
        note: "\(name) is a folder, as zero_to_fp32.py makes one: the weights in it are used")
    }
    return nil
  }

  private init(_ other: HuggingFaceShards, note: String) {
    folder = other.folder
    names = other.names
    index = other.index
    isAdapter = false
    isMistrals = false
    notes = [note] + other.notes
  }

  /// Checks that the shards are there that an index names; returns notes on them.
  private static func check(
    _ shards: [String], of index: String, in folder: Folder
  ) throws(WeightmillError) -> [String] {
    let missing = shards.filter { !folder.contains($0) }
    guard let first = missing.first else {
      return try folder.checkWeights(shards)
    }
    let suffix = first.hasSuffix(".bin") ? ".bin" : ".safetensors"
    let others = folder.names.filter {
      FolderWithoutModel.isShard($0) && $0.hasSuffix(suffix) && !shards.contains($0)
    }
    guard let other = others.first, missing.count == shards.count || others.count > 1 else {
      let unfinished = folder.names.first { $0.hasPrefix(first) }
      throw FilePiece(ofMissing: folder.path(first))?.error
        ?? WeightmillError(
          .noInput, folder.path(first),
          "the shard is missing, but the index names it"
            + (unfinished.map { "; there is \(quoted($0)), a download that was not finished" } ?? ""),
          remedy: HelpTopic.incompleteDownload.after("fetch the missing shard"))
    }
    throw WeightmillError(
      .mismatch, folder.path(index),
      "is the index of another sharding: it names \(quoted(first)), the folder holds "
        + quoted(other),
      remedy: "fetch the index that belongs to the shards, or the shards that it names")
  }
}
