import WeightmillGGUF
import WeightmillMerging
public import WeightmillModels
import WeightmillQuantization
public import WeightmillTensors

/// Plans that copy a GGUF file into several, or several into one, and change nothing else.
///
/// Metadata and tensors stay as they are, and Weightmill does not say that it had a hand in it: what
/// is split and joined again is the same file to the byte, if Weightmill laid it out.
extension ConversionPlan {
  /// Plans the splitting of a GGUF file, which may be of any model, and split already.
  ///
  /// - Parameters:
  ///   - checkpoint: The file.
  ///   - split: Where it is cut.
  ///   - leavesFirstEmpty: Whether the first file has the metadata and no tensors, so that it can be
  ///     fetched by itself.
  ///   - path: The output, for messages.
  /// - Throws: `unsupported` when it is no GGUF file; `usage` when there would be too many files.
  public init(
    split checkpoint: Checkpoint, by split: ShardSplit, leavesFirstEmpty: Bool = false, path: String
  ) throws(WeightmillError) {
    try self.init(
      copying: checkpoint,
      remedy: "use `weightmill convert … --split-max-size`, in one step", notes: [])
    try self.split(split, path: path)
    if leavesFirstEmpty { try leaveFirstFileEmpty(path: path) }
  }

  /// Plans one GGUF file from all files of a split one.
  ///
  /// - Parameter checkpoint: The files, of which any was opened.
  /// - Throws: `unsupported` when it is no GGUF file, or not one of several.
  public init(join checkpoint: Checkpoint) throws(WeightmillError) {
    var notes: [String] = []
    for (file, path) in zip(checkpoint.fileCatalogues, checkpoint.weightFiles).dropFirst() {
      let further = (file as? GGUFFile)?.metadata.entries.filter {
        !$0.key.hasPrefix("split.") && $0.key != "general.alignment"
          && checkpoint.metadata?[$0.key] != $0.value
      }
      guard let first = further?.first, let count = further?.count else { continue }
      notes.append(
        "\(path) has metadata of its own, which is left out: \(quoted(first.key))"
          + (count > 1 ? " and \(count - 1) more keys" : ""))
    }
    try self.init(copying: checkpoint, remedy: "there is nothing to join", notes: notes)
    guard checkpoint.metadata?["split.count"] != nil else {
      throw WeightmillError(
        .unsupported, checkpoint.path, "is not one of several files",
        remedy: "there is nothing to join")
    }
  }

  private init(
    copying checkpoint: Checkpoint, remedy: String, notes: [String]
  ) throws(WeightmillError) {
    guard var metadata = checkpoint.metadata else {
      throw WeightmillError(
        .unsupported, checkpoint.path, "is not a GGUF file", remedy: remedy)
    }
    metadata.removeAll { $0.hasPrefix("split.") }
    let version = checkpoint.formatVersion.map { $0 < 3 ? ["GGUF \($0) becomes GGUF 3"] : [] }
    source = checkpoint.catalogue
    items = checkpoint.catalogue.tensors.enumerated().map { index, tensor in
      Item(
        tensor: tensor, index: index, rowGroup: 1, fallbackFrom: nil, importance: nil, shard: 0)
    }
    output = .gguf(metadata)
    method = .best
    sources = zip(checkpoint.weightFiles, checkpoint.fileCatalogues).enumerated().map {
      index, file in
      SourceFile(
        path: file.0, side: .model, kind: .weights(index), mayBeKnown: false, catalogue: file.1)
    }
    hashing = .none
    namesSources = false
    inputs = checkpoint.files
    origins = [checkpoint.path]
    isMerged = false
    self.notes = (version ?? []) + notes
    obstacle = nil
  }

  /// Puts a file with the metadata alone before the others.
  private mutating func leaveFirstFileEmpty(path: String) throws(WeightmillError) {
    let (metadata, count): (GGUFMetadata, Int)
    switch output {
    case .gguf(let whole): (metadata, count) = (whole, 2)
    case .splitGGUF(let first, let files): (metadata, count) = (first, files + 1)
    case .huggingFace: return
    }
    try ShardSplit.check(count, path: path)
    for index in items.indices { items[index].shard += 1 }
    output = .splitGGUF(metadata, files: count)
  }
}
