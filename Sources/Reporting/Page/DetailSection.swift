import WeightmillPresentation
import WeightmillVerification

/// The file's findings, the tokenizers, both models, the settings, and every figure.
struct DetailSection {
  let report: VerificationReport

  var markup: Markup {
    Markup.joined([findings, tokenizers, models, figures])
  }

  private var findings: Markup {
    tag("section", ["aria-labelledby": "findings"]) {
      tag("h2", ["id": "findings"]) { "The candidate's file" }
      if report.findings.isEmpty {
        tag("p") { "Nothing was found in it that is wrong or unusual." }
      } else {
        tag("ul", ["class": "findings"]) {
          for finding in report.findings { item(finding) }
        }
      }
    }
  }

  private func item(_ finding: Finding) -> Markup {
    tag("li", ["class": finding.severity.rawValue]) {
      tag("b") { "\(finding.severity.sign) \(finding.severity.rawValue)" }
      tag("code") { Shown.name(finding.check, limit: 60) }
      tag("span") {
        finding.tensor.map { tensor in
          tag("b") { isolated(Shown.name(tensor, limit: 80)) }.then(Markup(": "))
        }
        isolated(Shown.message(finding.message))
      }
    }
  }

  private var tokenizers: Markup {
    tag("section", ["aria-labelledby": "tokenizers"]) {
      tag("h2", ["id": "tokenizers"]) { "Tokenizers" }
      if let result = report.tokenizers {
        tag("p") {
          tag("span", ["class": result.agree ? "kept" : "breach"]) {
            result.agree ? "✓ Both give every text the same tokens." : "✗ They differ."
          }
        }
        result.difference.map { difference in
          tag("p", ["class": "context"]) { isolated(Shown.message(difference)) }
        }
      } else {
        tag("p") { "They were not compared: one side has none, or ids were given." }
      }
    }
  }

  private var models: Markup {
    let (candidate, reference) = (report.candidate, report.reference)
    return tag("section", ["aria-labelledby": "models"]) {
      tag("h2", ["id": "models"]) { "Models and settings" }
      dataTable(
        "Models", columns: [.text(""), .text("candidate"), .text("reference")],
        rows: [
          ["path", Shown.name(candidate.name), Shown.name(reference.name)],
          ["size", Self.size(candidate), Self.size(reference)],
          ["weights", Self.weights(candidate), Self.weights(reference)],
          ["bits for each weight", Self.bits(candidate), Self.bits(reference)],
          ["tensors", Self.types(candidate), Self.types(reference)],
        ])
      tag("p") { ReportSettings.sentence(report) }
    }
  }

  private static func size(_ subject: VerificationReport.Subject) -> String {
    subject.bytes.map(Text.bytes) ?? "saved logits"
  }

  private static func weights(_ subject: VerificationReport.Subject) -> String {
    subject.parameters.map(Text.grouped) ?? ""
  }

  private static func bits(_ subject: VerificationReport.Subject) -> String {
    subject.bitsPerWeight.map { Text.fixed($0, 3) } ?? ""
  }

  private static func types(_ subject: VerificationReport.Subject) -> String {
    ReportSettings.types(subject)
  }

  private var figures: Markup {
    tag("section", ["aria-labelledby": "figures"]) {
      tag("h2", ["id": "figures"]) { "All figures" }
      folded(
        "KL divergence, perplexity, probabilities",
        dataTable(
          "All figures", columns: [.text("figure"), .number("value")],
          rows: AllFigures.rows(report.total).map { [$0.name, $0.value] }))
      tag("p", ["class": "more"]) {
        "KL divergence is Σ p ln(p / q) over the vocabulary, p the reference's probabilities and q "
          + "the candidate's; 0 means the same predictions."
      }
    }
  }
}

extension Finding.Severity {
  /// A sign beside the word.
  var sign: String {
    switch self {
    case .note: "•"
    case .warning: "⚠"
    case .error: "✗"
    }
  }
}
