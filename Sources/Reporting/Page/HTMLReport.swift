public import WeightmillVerification

/// The report as one page.
struct HTMLReport {
  let report: VerificationReport

  var page: String {
    let name = Shown.name(VerdictSection.lastComponent(report.candidate.name), limit: 80)
    let frame = PageFrame(title: "\(Verdict(report).title): \(name)", version: report.version)
    return frame.page {
      VerdictSection(report: report).markup
      LimitSection(report: report).markup
      DivergenceSection(report: report).markup
      OriginSection(report: report).markup
      WorstSection(report: report).markup
      DetailSection(report: report).markup
    }
  }
}

extension VerificationReport {
  /// The report as a page of HTML that needs nothing but itself.
  ///
  /// It is well-formed XML, too. Names and tokens from files are escaped.
  public var html: String { HTMLReport(report: self).page }
}
