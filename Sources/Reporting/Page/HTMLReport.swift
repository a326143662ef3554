public import WeightmillVerification

/// The report as one page: no script, nothing from elsewhere, light or dark as the reader's system is.
struct HTMLReport {
  let report: VerificationReport

  /// What the page may load: nothing.
  private static let policy =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

  var page: String {
    documentType().then(
      tag("html", ["xmlns": "http://www.w3.org/1999/xhtml", "lang": "en"]) {
        head
        tag("body") {
          tag("main") {
            VerdictSection(report: report).markup
            LimitSection(report: report).markup
            DivergenceSection(report: report).markup
            OriginSection(report: report).markup
            WorstSection(report: report).markup
            DetailSection(report: report).markup
          }
          tag("footer") { "Measured with Weightmill \(Shown.name(report.version, limit: 40))" }
        }
      }
    ).source + "\n"
  }

  private var head: Markup {
    let name = Shown.name(VerdictSection.lastComponent(report.candidate.name), limit: 80)
    return tag("head") {
      leaf("meta", ["charset": "utf-8"])
      leaf("meta", ["http-equiv": "Content-Security-Policy", "content": Self.policy])
      leaf("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
      leaf("meta", ["name": "color-scheme", "content": "light dark"])
      leaf("meta", ["name": "referrer", "content": "no-referrer"])
      tag("title") { "\(Verdict(report).title): \(name)" }
      PageStyle.markup
    }
  }
}

extension VerificationReport {
  /// The report as a page of HTML that needs nothing but itself.
  ///
  /// It is well-formed XML, too. Names and tokens from files are escaped.
  public var html: String { HTMLReport(report: self).page }
}
