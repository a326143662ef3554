import ArgumentParser
import WeightmillMerging
import WeightmillModels
import WeightmillPyTorch

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
    name: .customLong("lora"),
    help: "The folder of a LoRA adapter to merge; several are merged in order.",
    completion: .directory)
  var adapters: [String] = []

  @Option(
    help: "The member of PyTorch files that holds the tensors (default: found).")
  var key: String?

  /// Whether anything is merged into the model.
  var merges: Bool { delta != nil || !adapters.isEmpty }

  /// The model of a path with what the options merge into it.
  func request(_ path: String) -> ModelRequest {
    var request = ModelRequest(path, delta: delta, kind: kindOption?.kind)
    request.forcesBase = forceBase
    request.adapters = adapters
    if let key { request.selection = .member(key) }
    return request
  }

  func validate() throws {
    if kindOption != nil, delta == nil { throw ValidationError("--delta-kind goes with --delta") }
    if forceBase, delta == nil { throw ValidationError("--force-base goes with --delta") }
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
