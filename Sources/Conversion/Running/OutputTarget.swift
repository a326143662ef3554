internal import SystemPackage
import WeightmillOutput
import WeightmillTensors

/// The files that a run writes: the whole output, or one file of a split one.
struct OutputTarget: Sendable {
  /// The path of what is written: the output, or the one file.
  let path: String
  /// The files that are written.
  let files: [OutputLayout.File]
  /// Whether the file with the metadata is among them.
  let hasMetadata: Bool
  /// Whether it is one file of several.
  private let isPart: Bool
  private let plan: ConversionPlan
  private let options: RunOptions
  private let whole: String

  /// Chooses the files.
  ///
  /// - Parameters:
  ///   - plan: What is done.
  ///   - path: The output.
  ///   - options: Which of its files are written.
  /// - Throws: `usage` for a part that there is not; `unsupported` when the format cannot hold a
  ///   tensor.
  init(
    _ plan: ConversionPlan, path: String, _ options: RunOptions
  ) throws(WeightmillError) {
    self.plan = plan
    self.options = options
    whole = path
    let files = try plan.layout(path: path).files
    guard let part = options.part, files.count > 1 || options.part != 1 else {
      (self.path, self.files, hasMetadata, isPart) = (path, files, true, false)
      return
    }
    guard case .splitGGUF = plan.output, files.indices.contains(part - 1),
      let name = files[part - 1].name
    else {
      throw WeightmillError(
        .usage, path,
        "has \(files.count == 1 ? "one file" : "\(files.count) files"), no part \(part)",
        remedy: "say how it is split, with --split-files, --split-max-size or --split-max-tensors")
    }
    self.path = FilePath(path).removingLastComponent().appending(name).string
    self.files = [files[part - 1]]
    hasMetadata = part == 1
    isPart = true
  }

  /// The size of what is written.
  var byteCount: Int { files.reduce(0) { $0 + $1.byteCount } }

  /// The files' headers with the hashes of what was read.
  ///
  /// - Parameter hashes: The hashes.
  /// - Returns: The headers, which are as long as those without hashes.
  /// - Throws: `internal` if they are not.
  func headers(_ hashes: [HashedSource]) throws(WeightmillError) -> [[UInt8]] {
    let all = try plan.layout(path: whole, hashes: hashes).files
    let chosen = isPart ? all.filter { $0.name == files[0].name } : all
    for (file, begun) in zip(chosen, files) where file.header.count != begun.header.count {
      throw WeightmillError(.internal, path, "the header has changed its length")
    }
    return chosen.map(\.header)
  }

  /// Refuses what cannot be, or must not be, written.
  func check() throws(WeightmillError) {
    let (overwrite, inputs) = (options.overwrites, plan.inputs)
    let names = files.compactMap(\.name)
    switch plan.output {
    case .splitGGUF where !isPart:
      try OutputShards.check(path, names: names, overwrite: overwrite, inputs: inputs)
    case .gguf, .splitGGUF:
      try OutputFile.check(path, overwrite: overwrite, inputs: inputs)
    case .huggingFace:
      try OutputFolder.check(
        path, files: names, overwrite: overwrite, inputs: inputs, origins: plan.origins,
        wouldMix: HuggingFaceFolder.belongsToModel)
    }
  }

  /// Opens the output under the temporary names of a run.
  func open(_ run: TemporaryNames) throws(WeightmillError) -> any PendingOutput {
    let (overwrite, inputs) = (options.overwrites, plan.inputs)
    let names = files.compactMap(\.name)
    switch plan.output {
    case .splitGGUF where !isPart:
      return try OutputShards(
        path, names: names, overwrite: overwrite, inputs: inputs, run: run, disk: options.disk)
    case .gguf, .splitGGUF:
      return try OutputFile(
        path, overwrite: overwrite, inputs: inputs, run: run, disk: options.disk)
    case .huggingFace:
      return try OutputFolder(
        path, files: names, overwrite: overwrite, inputs: inputs, origins: plan.origins,
        wouldMix: HuggingFaceFolder.belongsToModel, run: run, disk: options.disk)
    }
  }

  /// Refuses to begin what the disk has no room for.
  ///
  /// - Parameter present: How many bytes of it an interrupted run has written.
  /// - Throws: `cannotWrite`.
  func checkSpace(present: Int) throws(WeightmillError) {
    // A file that is replaced keeps its room until the new one has its name.
    guard let free = FilePath(path).folder.freeBytes, free < byteCount - present else { return }
    throw WeightmillError(
      .cannotWrite, path, "needs \(byteCount - present) bytes, of which \(free) are free",
      remedy: "free some space, or choose another folder")
  }
}
