import ArgumentParser
import WeightmillMerging
import WeightmillModels
import WeightmillPyTorch
import WeightmillTensors

/// The options of commands that can merge something into a model.
struct MergeOptions: ParsableArguments {
  @Option(
    name: [.customLong("delta"), .customLong("delta-path")],
    help: "The folder of the delta weights to add.", completion: .directory)
  var delta: String?

  @Option(
    name: .customLong("delta-kind"),
    help: "The delta's family (default: recognised by its embeddings).")
  private var kindOption: KindOption?

  @Flag(help: "Merge even if values or hashes say that base and delta do not belong together.")
  var forceBase = false

  @Option(
    name: [.customLong("lora"), .customLong("lora-scaled")],
    help: ArgumentHelp(
      "A LoRA adapter to merge, PEFT's folder or a GGUF file, and by how much to scale it; several are "
        + "merged in order.", valueName: "PATH[:SCALE]"),
    completion: .file())
  var adapters: [AdapterOption] = []

  @Option(
    help: "The member of PyTorch files that holds the tensors (default: found).")
  var key: String?

  /// Whether anything is merged into the model.
  var merges: Bool { delta != nil || !adapters.isEmpty }

  /// The model of a path with what the options merge into it.
  func request(_ path: String) -> ModelRequest {
    var request = ModelRequest(path, delta: delta, kind: kindOption?.kind)
    request.forcesBase = forceBase
    request.adapters = adapters.map(\.adapter)
    if let key { request.selection = .member(key) }
    return request
  }

  func validate() throws {
    for option in adapters { try option.check() }
    if kindOption != nil, delta == nil { throw ValidationError("--delta-kind goes with --delta") }
    if forceBase, delta == nil { throw ValidationError("--force-base goes with --delta") }
  }
}

/// An adapter on the command line: a path, or a path, a colon and a scale.
///
/// What is there under the whole text is meant by it; otherwise a number after the last colon is a scale.
struct AdapterOption: ExpressibleByArgument {
  let adapter: ScaledAdapter
  /// The other reading, where both are there.
  private var other: ScaledAdapter?

  init?(argument: String) {
    let whole = ScaledAdapter(argument)
    guard let colon = argument.lastIndex(of: ":"), colon != argument.startIndex,
      let scale = Double(argument[argument.index(after: colon)...]), scale.isFinite,
      scale.magnitude <= 1e6
    else {
      adapter = whole
      return
    }
    let scaled = ScaledAdapter(String(argument[..<colon]), scale: scale)
    let exists = (
      whole: Folder.isFolder(whole.path) != nil, scaled: Folder.isFolder(scaled.path) != nil
    )
    adapter = exists.whole ? whole : scaled
    if exists.whole, exists.scaled { other = scaled }
  }

  /// Refuses a text that can be read in two ways.
  func check() throws {
    guard let other else { return }
    throw ValidationError(
      "--lora \(adapter.path) could be that path, or \(other.path) scaled by \(other.scale); say "
        + "\(adapter.path):1, or write the scale with another digit")
  }
}

/// A family's name on the command line.
private struct KindOption: ListedArgument {
  static let allValueStrings = DeltaKind.allCases.map(\.rawValue)
  static let allValueDescriptions = Dictionary(
    uniqueKeysWithValues: DeltaKind.allCases.map { ($0.rawValue, $0.summary) })

  let kind: DeltaKind

  init?(argument: String) {
    guard let kind = DeltaKind(rawValue: argument.lowercased()) else { return nil }
    self.kind = kind
  }
}
