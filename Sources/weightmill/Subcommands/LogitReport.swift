import Presentation
import Tensors
import Verification

/// What `verify-logits` prints.
struct LogitReport: Encodable {
  let candidate: String
  let reference: String
  let texts: [String]
  let tokens: Int
  let windows: Int
  let context: Int
  let statistics: LogitStatistics
  let limits: [LogitGate.Outcome]

  /// Whether every limit was kept.
  var passed: Bool { limits.allSatisfy(\.passed) }

  private enum Key: String, CodingKey {
    case candidate, reference, texts, tokens, windows, context, statistics, limits, passed
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(candidate, forKey: .candidate)
    try container.encode(reference, forKey: .reference)
    try container.encode(texts, forKey: .texts)
    try container.encode(tokens, forKey: .tokens)
    try container.encode(windows, forKey: .windows)
    try container.encode(context, forKey: .context)
    try container.encode(statistics, forKey: .statistics)
    try container.encode(limits, forKey: .limits)
    try container.encode(passed, forKey: .passed)
  }

  /// Prints the report for people.
  func print() {
    let divergence = statistics.divergence
    let perplexity = statistics.perplexity
    let number = Text.significant
    let rows = [
      ["candidate", printable(candidate)],
      ["reference", printable(reference)],
      [
        "text",
        "\(printable(texts.joined(separator: ", "))): \(Text.grouped(tokens)) tokens "
          + "in \(windows) window\(windows == 1 ? "" : "s") of at most \(context)",
      ],
      [],
      [
        "KL divergence",
        "mean \(number(divergence.mean)) ± \(number(divergence.standardError))   "
          + "median \(number(divergence.median))   99 % \(number(divergence.p99))   "
          + "max \(number(divergence.maximum))   (nats)",
      ],
      ["same top token", Text.percent(statistics.sameTop)],
      [
        "perplexity",
        "reference \(number(perplexity.reference))   candidate \(number(perplexity.candidate))   "
          + "ratio \(Text.fixed(perplexity.ratio, 5))",
      ],
      ["probability", "RMS change \(Text.percent(statistics.probabilityChange))"],
    ]
    Swift.print(Text.table(rows, alignments: [.left, .left]))
    guard !limits.isEmpty else { return }
    Swift.print("")
    for limit in limits {
      let verdict = limit.passed ? "passed" : "FAILED"
      Swift.print(
        "\(verdict)  --\(limit.limit) \(number(limit.allowed)), measured \(number(limit.measured))")
    }
  }
}
