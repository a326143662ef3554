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

  let names: [String]
  let index: ShardIndex?
  let isAdapter: Bool
  /// Whether the tensors are in the files that Mistral publishes beside Hugging Face's, with
  /// `params.json` for their sizes.
  let isMistrals: Bool
  let notes: [String]

  init(_ folder: Folder) throws(WeightmillError) {
    let own = ("consolidated.safetensors", ".safetensors")
    let kinds = [("model.safetensors", ".safetensors"), ("pytorch_model.bin", ".bin"), own]
    var found: [(names: [String], index: ShardIndex?)] = []
    var isMistrals = false
    for (single, suffix) in kinds {
      if single == own.0 {
        // The same weights once more, if there are Hugging Face's.
        guard found.isEmpty else { continue }
        isMistrals = true
      }
      let indexName = single + ".index.json"
      if folder.contains(indexName) {
        let index = try ShardIndex(path: folder.path(indexName), fileExtension: suffix)
        found.append((index.shards, index))
      } else if folder.contains(single) {
        found.append(([single], nil))
      }
    }
    // A LoRA adapter's folder holds no model, but tensors that can be looked at.
    let adapter = Self.adapterWeights.first(where: folder.contains)
    isAdapter = found.isEmpty && adapter != nil
    self.isMistrals = isMistrals && !isAdapter
    if isAdapter, let adapter { found.append(([adapter], nil)) }
    guard let first = found.first else { throw Self.nothingFound(folder) }
    for name in first.names {
      guard folder.contains(name) else {
        throw WeightmillError(
          .noInput, folder.path(name), "the shard is missing, but the index names it",
          remedy: "fetch the missing shard")
      }
      if first.index != nil { try folder.checkReal(name) }
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
