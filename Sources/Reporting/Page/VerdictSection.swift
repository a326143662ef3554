import WeightmillVerification

/// The head of the page: who was judged by whom, the verdict, the figures that say most.
struct VerdictSection {
  let report: VerificationReport

  var markup: Markup {
    let verdict = Verdict(report)
    return tag("header") {
      tag("p", ["class": "eyebrow"]) { "weightmill verify-logits" }
      tag("h1") { isolated(Shown.name(Self.lastComponent(report.candidate.name), limit: 80)) }
      tag("p", ["class": "against"]) {
        "judged by "
        tag("b") { isolated(Shown.name(Self.lastComponent(report.reference.name), limit: 80)) }
        " on \(Shown.count(report.total.positions, "position")) of "
          + Shown.count(report.texts.count, "text")
      }
      tag("p", ["class": "verdict \(verdict.outcome.rawValue)", "role": "status"]) {
        tag("strong") { "\(verdict.sign) \(verdict.title)" }
        tag("span") { verdict.detail }
      }
      if report.isPartial { tag("p", ["class": "partial"]) { "⚠ \(Verdict.partial)" } }
      tag("dl", ["class": "figures"]) {
        for figure in MainFigure.all(of: report) {
          tag("div") {
            tag("dt") { figure.name }
            tag("dd", ["class": "value"]) { figure.value }
            tag("dd") { figure.detail }
          }
        }
      }
    }
  }

  /// A path's last part, unless it is empty.
  static func lastComponent(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }
}

/// Each limit: measured, allowed, how much of it was used, and where a breach comes from.
struct LimitSection {
  let report: VerificationReport

  var markup: Markup {
    guard !report.limits.isEmpty else { return .empty }
    return tag("section", ["aria-labelledby": "limits"]) {
      tag("h2", ["id": "limits"]) { "Limits" }
      tag("div", ["class": "limits"]) {
        dataTable(
          "Limits",
          columns: [
            .text("limit"), .text("verdict"), .number("measured"), .text("allowed"),
            .text("used of what is allowed"),
          ] + (hasOrigins ? [.text("comes from")] : []),
          rows: report.limits.map { row(LimitLine($0)) })
      }
    }
  }

  private var hasOrigins: Bool { report.limits.contains { $0.origin != nil } }

  private func row(_ line: LimitLine) -> [Markup] {
    [
      tag("code") { line.name },
      tag("span", ["class": line.passed ? "kept" : "breach"]) {
        line.passed ? "✓ kept" : "✗ broken"
      },
      Markup(line.measured),
      Markup(line.allowed),
      line.used.map { usage($0, passed: line.passed) } ?? .empty,
    ] + (hasOrigins ? [isolated(line.origin ?? "")] : [])
  }

  /// The bar is full at twice what is allowed; its middle is the limit.
  private func usage(_ used: Double, passed: Bool) -> Markup {
    tag("span", ["class": "usage"]) {
      tag("span", ["class": "bar limit", "aria-hidden": "true"]) {
        tag(
          "i",
          [
            "class": passed ? nil : "over",
            "style": "width:\(Plot.percent(min(max(used / 2, 0), 1)))",
          ])
      }
      tag("span", ["class": "n"]) { LimitLine.percent(used) }
    }
  }
}
