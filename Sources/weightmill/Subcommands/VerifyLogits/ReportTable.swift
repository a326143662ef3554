import WeightmillPresentation
import WeightmillTensors
import WeightmillVerification

/// A report as a terminal shows it.
struct ReportTable {
  /// How many tensors and groups are shown.
  private static let shownTensors = 5

  private let report: VerificationReport

  init(_ report: VerificationReport) { self.report = report }

  /// Prints the report for people.
  func print() throws(WeightmillError) {
    let parts = [subjects, figures(report.total), perText, causes, worst, findings, limits]
    try StandardOutput.print(parts.filter { !$0.isEmpty }.joined(separator: "\n\n"))
  }

  private var subjects: String {
    let tokens = report.texts.reduce(0) { $0 + $1.tokens }
    let windows = report.texts.reduce(0) { $0 + $1.windows }
    let names = report.texts.map(\.name).joined(separator: ", ")
    var rows = [
      ["candidate", "\(printable(report.candidate.name))\(size(report.candidate))"],
      ["reference", "\(printable(report.reference.name))\(size(report.reference))"],
      [
        "text",
        "\(printable(names)): \(Text.grouped(tokens)) tokens in \(windows) "
          + "window\(windows == 1 ? "" : "s") of at most \(report.settings.context)"
          + (report.settings.isSecondHalf ? ", second halves judged" : ""),
      ],
    ]
    if let tokenizers = report.tokenizers {
      rows.append([
        "tokenizers",
        tokenizers.agree
          ? "give the same tokens" : "DIFFER: \(printable(tokenizers.difference ?? ""))",
      ])
    }
    if let vocabulary = report.vocabulary {
      rows.append([
        "vocabulary",
        "\(Text.grouped(vocabulary.candidate)) rows in the candidate, "
          + "\(Text.grouped(vocabulary.reference)) in the reference: compared over those of both; the "
          + "\(vocabulary.taller) gives the rest \(Text.percent(vocabulary.meanRest)) on the average, "
          + "\(Text.percent(vocabulary.maximumRest)) at most",
      ])
    }
    if report.isPartial {
      rows.append([
        "PARTIAL",
        "interrupted after \(Text.grouped(report.total.positions)) of \(Text.grouped(tokens)) "
          + "tokens; no limit was judged",
      ])
    }
    return Text.table(rows, alignments: [.left, .left])
  }

  private func size(_ subject: VerificationReport.Subject) -> String {
    guard let bytes = subject.bytes, let bits = subject.bitsPerWeight else { return "" }
    return " (\(Text.bytes(bytes)), \(Text.fixed(bits, 2)) bits per weight)"
  }

  private func figures(_ total: LogitStatistics) -> String {
    let number = Text.significant
    let (divergence, perplexity) = (total.divergence, total.perplexity)
    let change = total.probabilityChange
    return Text.table(
      [
        [
          "KL divergence",
          "mean \(number(divergence.mean)) ± \(number(divergence.standardError))   "
            + "median \(number(divergence.median))   90 % \(number(divergence.p90))   "
            + "99 % \(number(divergence.p99))   99.9 % \(number(divergence.p999))   "
            + "max \(number(divergence.maximum))   (nats)",
        ],
        [
          "same top token",
          "\(Text.percent(total.sameTop))   of the top five \(Text.percent(total.topFiveOverlap))",
        ],
        [
          "perplexity",
          "reference \(number(perplexity.reference))   candidate \(number(perplexity.candidate))   "
            + "ratio \(Text.fixed(perplexity.ratio, 5)) ± \(number(perplexity.ratioError))",
        ],
        [
          "probability",
          "RMS change \(Text.percent(change.rms))   mean \(Text.percent(change.mean))   "
            + "1 % \(Text.percent(change.p1))   99 % \(Text.percent(change.p99))   "
            + "of the text's next token",
        ],
        [
          "logits",
          total.normalizedSquareError.isNaN
            ? "normalized square error not measured: the saved logits are not exact"
            : "normalized square error \(number(total.normalizedSquareError))",
        ],
      ], alignments: [.left, .left])
  }

  private var perText: String {
    guard report.texts.count > 1 else { return "" }
    var rows = [["text", "tokens", "mean KL", "99 %", "same top", "perplexity ratio"]]
    for text in report.texts {
      guard let figures = text.statistics else {
        rows.append([printable(text.name), Text.grouped(text.tokens), "not measured"])
        continue
      }
      rows.append([
        printable(text.name), Text.grouped(text.tokens),
        Text.significant(figures.divergence.mean), Text.significant(figures.divergence.p99),
        Text.percent(figures.sameTop), Text.fixed(figures.perplexity.ratio, 5),
      ])
    }
    return Text.table(rows, alignments: [.left, .right, .right, .right, .right, .right])
  }

  // MARK: Where it comes from

  private var causes: String {
    [drift, tensors, attribution].filter { !$0.isEmpty }.joined(separator: "\n")
  }

  private var drift: String {
    guard let last = report.layers.last, report.layers.count > 1 else { return "" }
    let steps = zip(report.layers, report.layers.dropFirst()).map { before, after in
      (layer: after.layer, growth: after.relativeError - before.relativeError)
    }
    let largest = steps.max { $0.growth < $1.growth }
    return
      "drift           \(Text.percent(report.layers[0].relativeError)) after the embeddings, "
      + "\(Text.percent(last.relativeError)) after the last layer"
      + (largest.map { $0.growth > 0 ? "; grows most in layer \($0.layer)" : "" } ?? "")
  }

  private var tensors: String {
    let worst = report.tensors.filter { $0.relativeError > 0 }
      .sorted { $0.relativeError > $1.relativeError }.prefix(Self.shownTensors)
    guard !worst.isEmpty else { return "" }
    return "tensor errors   "
      + worst.map {
        "\($0.name.droppingWeight) (\($0.type)) \(Text.percent($0.relativeError))"
      }.joined(separator: "   ")
  }

  private var attribution: String {
    guard !report.attribution.isEmpty else { return "" }
    let rows = report.attribution.prefix(2 * Self.shownTensors).map {
      [
        "\($0.name) (\($0.types)):", "\(Text.fixed($0.share * 100, 1)) % of the divergence",
        "\(Text.significant($0.divergence)) without",
      ]
    }
    return "\nattribution     on \(Text.grouped(report.attributionTokens ?? 0)) tokens\n"
      + Text.table(Array(rows), alignments: [.left, .right, .right])
  }

  // MARK: What to look at

  private var worst: String {
    guard let first = report.worst.first, first.divergence > 0 else { return "" }
    return Text.table(
      [
        [
          "worst position",
          "\(Text.significant(first.divergence)) nats after "
            + "\(quoted(String(first.before.suffix(32)))): reference \(words(first.reference)), "
            + "candidate \(words(first.candidate))",
        ]
      ], alignments: [.left, .left])
  }

  private func words(_ predictions: [VerificationReport.Prediction]) -> String {
    guard let first = predictions.first else { return "nothing" }
    return "\(quoted(first.token)) \(Text.fixed(first.probability * 100, 0)) %"
  }

  private var findings: String {
    report.findings.map { "\($0.severity.rawValue): \(printable($0.message))" }
      .joined(separator: "\n")
  }

  private var limits: String {
    report.limits.map { limit in
      let origin = limit.passed ? nil : limit.origin
      return "\(limit.passed ? "passed" : "FAILED")  \(Self.words(limit))"
        + (origin.map { " (\(printable($0)))" } ?? "")
    }.joined(separator: "\n")
  }

  private static func words(_ limit: LimitOutcome) -> String {
    switch limit.limit {
    case LimitOutcome.sameTokens: "--\(limit.limit)"
    case LimitOutcome.fileErrors: "errors in the candidate's file: \(Text.fixed(limit.measured, 0))"
    default:
      "--\(limit.limit) \(Text.significant(limit.allowed)), "
        + "measured \(Text.significant(limit.measured))"
    }
  }
}

extension String {
  /// A tensor's name as people say it.
  fileprivate var droppingWeight: String {
    hasSuffix(".weight") ? String(dropLast(".weight".count)) : self
  }
}
