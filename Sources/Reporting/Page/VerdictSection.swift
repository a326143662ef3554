import Verification

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
