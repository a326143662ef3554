import WeightmillPresentation
public import WeightmillVerification

/// The report for the summary of a step in continuous integration.
struct MarkdownReport {
  private static let listed = 10

  let report: VerificationReport

  var text: String {
    [verdict, limits, figures, texts, origin, findings, worst, settings]
      .filter { !$0.isEmpty }.joined(separator: "\n")
  }

  private var verdict: String {
    let verdict = Verdict(report)
    let sign =
      switch verdict.outcome {
      case .passed: "✅"
      case .failed: "❌"
      case .measured: "📏"
      case .interrupted: "⚠️"
      }
    let name = Self.name(VerdictSection.lastComponent(report.candidate.name), 80)
    let reference = Self.name(report.reference.name, 120)
    let partial = report.isPartial ? "\n⚠️ \(MarkdownText.escaped(Verdict.partial))\n" : ""
    return "## \(sign) \(verdict.title): \(name)\n\n"
      + "Judged by \(reference): \(verdict.detail).\n" + partial
  }

  private var limits: String {
    guard !report.limits.isEmpty else { return "" }
    return MarkdownText.table(
      ["limit", "verdict", "measured", "allowed", "used", "comes from"], numbers: [2, 4],
      report.limits.map { outcome in
        let line = LimitLine(outcome)
        return [
          MarkdownText.code(line.name), line.passed ? "✅ kept" : "❌ broken",
          MarkdownText.escaped(line.measured), MarkdownText.escaped(line.allowed),
          line.used.map { MarkdownText.escaped(LimitLine.percent($0)) } ?? "",
          MarkdownText.escaped(line.origin ?? ""),
        ]
      })
  }

  private var figures: String {
    MarkdownText.table(
      ["figure", "value", ""], numbers: [1],
      MainFigure.all(of: report).map { figure in
        ["**\(figure.name)**", figure.value, figure.detail]
      })
  }

  private var texts: String {
    guard report.texts.count > 1 else { return "" }
    return "### Text by text\n\n"
      + MarkdownText.table(
        ["text", "positions", "KL mean", "99 %", "same top", "perplexity ratio"],
        numbers: [1, 2, 3, 4, 5],
        report.texts.map { text in
          let name = Self.name(text.name, 60)
          guard let statistics = text.statistics else {
            return [name, "not reached", "", "", "", ""]
          }
          return [
            name, Text.grouped(statistics.positions), Shown.number(statistics.divergence.mean),
            Shown.number(statistics.divergence.p99), Shown.percent(statistics.sameTop),
            Text.fixed(statistics.perplexity.ratio, 4),
          ]
        })
  }

  private var origin: String {
    if !report.attribution.isEmpty {
      return "### Share of the divergence\n\n"
        + MarkdownText.table(
          ["tensor or group", "type", "share"], numbers: [2],
          report.attribution.prefix(Self.listed).map { part in
            [
              Self.name(part.name, 60), MarkdownText.escaped(Shown.name(part.types, limit: 40)),
              Shown.percent(part.share),
            ]
          })
    }
    guard !report.tensors.isEmpty else { return "" }
    return "### Tensors with the largest error\n\n"
      + MarkdownText.table(
        ["tensor", "type", "relative error"], numbers: [2],
        OriginSection.worst(report.tensors).prefix(Self.listed).map { tensor in
          [
            Self.name(tensor.name, 60), MarkdownText.escaped(Shown.name(tensor.type, limit: 16)),
            Shown.number(tensor.relativeError),
          ]
        })
  }

  private var findings: String {
    let tokenizers = report.tokenizers.flatMap { result -> String? in
      guard !result.agree else { return nil }
      return "- ❌ **tokenizers** differ: "
        + MarkdownText.escaped(Shown.message(result.difference ?? "")) + "\n"
    }
    let lines = report.findings.map { finding in
      let tensor = finding.tensor.map { Self.name($0, 80) + ": " } ?? ""
      return "- \(finding.severity.sign) **\(finding.severity.rawValue)** "
        + "\(Self.name(finding.check, 60)) \(tensor)"
        + MarkdownText.escaped(Shown.message(finding.message)) + "\n"
    }
    guard tokenizers != nil || !lines.isEmpty else { return "" }
    return "### The candidate’s file\n\n" + (tokenizers ?? "") + lines.joined()
  }

  private var worst: String {
    guard !report.worst.isEmpty else { return "" }
    let rows = report.worst.prefix(Self.listed).map { position in
      [
        Shown.number(position.divergence),
        "\(Self.name(position.text, 40)) \(Text.grouped(position.position))",
        MarkdownText.code(Shown.end(of: position.before, limit: 60)),
        position.next.map { MarkdownText.code(Shown.token($0)) } ?? "",
        Self.predictions(position.reference), Self.predictions(position.candidate),
      ]
    }
    return MarkdownText.details(
      "Where the models differ most",
      MarkdownText.table(
        ["nats", "where", "text", "next", "reference", "candidate"], numbers: [0], rows))
  }

  private static func predictions(_ tokens: [VerificationReport.Prediction]) -> String {
    tokens.prefix(5).map { token in
      "\(MarkdownText.code(Shown.token(token.token))) \(Text.fixed(token.probability * 100, 1)) %"
    }.joined(separator: "<br>")
  }

  private var settings: String {
    let candidate = MarkdownText.escaped(ReportSettings.types(report.candidate))
    let tensors = candidate.isEmpty ? "" : "Tensors: \(candidate).\n\n"
    return MarkdownText.details(
      "Settings", tensors + MarkdownText.escaped(ReportSettings.sentence(report)) + "\n")
  }

  private static func name(_ text: String, _ limit: Int) -> String {
    MarkdownText.code(Shown.name(text, limit: limit))
  }
}

extension VerificationReport {
  /// The report as GitHub's Markdown, the verdict first.
  ///
  /// Names and tokens from files are escaped.
  public var markdown: String { MarkdownReport(report: self).text }
}
