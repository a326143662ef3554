package import WeightmillAllocation
import WeightmillPresentation

/// What a model's files of every size lose: the front of the best choices, and what it was found by.
package struct SizesReport: Sendable {
  /// The model's path.
  package let model: String
  /// The version of Weightmill that measured.
  package let version: String
  /// What was measured.
  package let sensitivities: Sensitivities
  /// The files that could be written.
  package let front: SizeFront

  package init(model: String, version: String, sensitivities: Sensitivities, front: SizeFront) {
    self.model = model
    self.version = version
    self.sensitivities = sensitivities
    self.front = front
  }

  /// The best choice in the size of a mix.
  ///
  /// - Parameter mix: The mix.
  /// - Returns: The choice; `nil` if the types make no file so small.
  func best(for mix: SizeFront.Point) -> SizeFront.Point? {
    front.chosen.first { $0.name == mix.name }
  }

  /// How much less a best choice loses than the mix whose size it keeps to, such as -0.25.
  func change(for mix: SizeFront.Point) -> Double? {
    guard let best = best(for: mix), mix.divergence > 0 else { return nil }
    return best.divergence / mix.divergence - 1
  }
}

extension SizesReport {
  /// The report as a page of HTML that needs nothing but itself.
  ///
  /// It is well-formed XML, too. Names from files are escaped.
  package var html: String {
    let name = Shown.name(VerdictSection.lastComponent(model), limit: 80)
    let frame = PageFrame(
      title: "Sizes: \(name)", version: version, style: SizesStyle.markup)
    return frame.page {
      SizesHeader(report: self).markup
      FrontSection(report: self).markup
      MixSection(report: self).markup
      TypeSection(report: self).markup
      CostSection(report: self).markup
      MeasuredSection(report: self).markup
    }
  }
}

/// The head of the page: which model, and what a choice of types gains in the size of common mixes.
struct SizesHeader {
  /// The mixes that are shown, if they were measured.
  private static let common = ["Q3_K_M", "Q4_K_M", "Q5_K_M"]

  let report: SizesReport

  var markup: Markup {
    let origin = report.sensitivities.origin
    return tag("header") {
      tag("p", ["class": "eyebrow"]) { "weightmill sensitivity" }
      tag("h1") { isolated(Shown.name(VerdictSection.lastComponent(report.model), limit: 80)) }
      tag("p", ["class": "against"]) {
        "what files of every size lose, by \(Shown.count(origin.tokens, "token")) of "
          + Shown.count(origin.names.count, "text")
      }
      tag("dl", ["class": "figures"]) {
        for mix in report.front.mixes where Self.common.contains(mix.name) { figure(mix) }
      }
    }
  }

  private func figure(_ mix: SizeFront.Point) -> Markup? {
    guard let best = report.best(for: mix), let change = report.change(for: mix) else { return nil }
    return tag("div") {
      tag("dt") { "divergence in the size of \(Shown.name(mix.name, limit: 24))" }
      tag("dd", ["class": "value"]) { Shown.change(change) }
      tag("dd") {
        "\(Shown.number(best.divergence)) in place of \(Shown.number(mix.divergence)), "
          + "in \(Text.bytes(mix.bytes))"
      }
    }
  }
}

extension Shown {
  /// A change as a percentage with its sign.
  static func change(_ share: Double) -> String {
    guard share.isFinite else { return number(share) }
    let text = Text.fixed(share * 100, 1).replacing("-", with: "−")
    return (share > 0 ? "+" : "") + text + " %"
  }
}
