import ArgumentParser
import WeightmillTensors
import WeightmillVerification

/// The limits of `verify-logits`.
struct GateOptions: ParsableArguments {
  @Option(help: "Fail if the mean KL divergence, in nats, is above this.")
  var maxKld: Double?

  @Option(
    name: .customLong("max-kld-p99"),
    help: "Fail if the 99th percentile of KL divergence is above this.")
  var maxKldP99: Double?

  @Option(
    name: .customLong("min-top1"),
    help: "Fail if the share of same top tokens (0 to 1) is below this.")
  var minTop1: Double?

  @Option(help: "Fail if the candidate's perplexity over the reference's is above this.")
  var maxPplRatio: Double?

  @Option(help: "Fail if the normalized mean square error of the logits is above this.")
  var maxNmse: Double?

  @Flag(help: "Fail if the tokenizers give other tokens for the texts.")
  var sameTokens = false

  @Option(
    help: "An earlier report of --json to compare with.", completion: .file(extensions: ["json"]))
  var baseline: String?

  @Option(help: "Fail if figures are worse than the baseline's by more than this: 5%, or 0.05.")
  var maxRegression: Share?

  func validate() throws {
    let limits = [maxKld, maxKldP99, minTop1, maxPplRatio, maxNmse].compactMap { $0 }
    guard limits.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
      throw ValidationError("limits must be numbers, 0 or above")
    }
    guard minTop1 ?? 0 <= 1 else { throw ValidationError("--min-top1 is a share from 0 to 1") }
    guard (baseline == nil) == (maxRegression == nil) else {
      throw ValidationError("--baseline and --max-regression go together")
    }
  }

  /// The files that are read.
  var files: [String] { baseline.map { [$0] } ?? [] }

  /// The limits that were given.
  func gate() throws(WeightmillError) -> LogitGate {
    var gate = LogitGate()
    gate.maximumDivergence = maxKld
    gate.maximumDivergenceP99 = maxKldP99
    gate.minimumSameTop = minTop1
    gate.maximumPerplexityRatio = maxPplRatio
    gate.maximumSquareError = maxNmse
    gate.requiresSameTokens = sameTokens
    if let baseline, let maxRegression {
      gate.baseline = (try VerificationReport(path: baseline), maxRegression.value)
    }
    return gate
  }
}
