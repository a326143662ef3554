import ArgumentParser
import WeightmillConversion
import WeightmillModels
import WeightmillTensors

/// The options of commands that ask whether their inputs are the published files.
struct IdentificationOptions: ParsableArguments {
  @Flag(help: "Fail unless every weight file is known by its SHA-256.")
  var requireKnown = false

  @Option(
    help: "A list of further known files, as sha256sum prints it; may be given several times.",
    completion: .file())
  var known: [String] = []

  @Flag(
    name: .customLong("no-hash"),
    help: "Do not hash weight files: those of the output's metadata, and known ones.")
  var noHash = false

  @Option(help: "Fail unless the values of an F32 merge add up to this published sum.")
  var expectSum: Double?

  func validate() throws {
    if noHash, requireKnown || !known.isEmpty {
      throw ValidationError("--no-hash does not go with --require-known or --known")
    }
    if let expectSum, !expectSum.isFinite {
      throw ValidationError("--expect-sum must be a number")
    }
  }

  /// The checks of a model's files.
  func checks(_ model: LoadedModel, forcesBase: Bool) throws(WeightmillError) -> SourceChecks {
    var requirements = SourceRequirements()
    requirements.lists = known
    requirements.requiresKnown = requireKnown
    requirements.expectedSum = expectSum
    requirements.forcesBase = forcesBase
    return try SourceChecks(model, requirements)
  }

  /// Says in a plan which files are hashed.
  func choose(_ plan: inout ConversionPlan) {
    if noHash { plan.hashing = .none }
    if requireKnown || !known.isEmpty { plan.hashing = .all }
  }
}
