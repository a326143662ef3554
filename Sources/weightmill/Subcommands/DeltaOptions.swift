import ArgumentParser
import Merging

/// The options of commands that can add delta weights to a model.
struct DeltaOptions: ParsableArguments {
  @Option(help: "The folder of the delta weights to add.", completion: .directory)
  var delta: String?

  @Option(
    name: .customLong("delta-kind"),
    help: "The delta's family (default: recognised by its embeddings).")
  private var kindOption: KindOption?

  /// The delta's family, if it is not to be recognised.
  var kind: DeltaKind? { kindOption?.kind }

  func validate() throws {
    if kind != nil, delta == nil { throw ValidationError("--delta-kind goes with --delta") }
  }
}

/// A family's name on the command line.
private struct KindOption: ExpressibleByArgument {
  static let allValueStrings = DeltaKind.allCases.map(\.rawValue)

  let kind: DeltaKind

  init?(argument: String) {
    guard let kind = DeltaKind(rawValue: argument.lowercased()) else { return nil }
    self.kind = kind
  }
}
