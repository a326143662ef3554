import WeightmillPresentation
import WeightmillVerification

/// Where the error comes from: layers, tensors, shares of the divergence.
struct OriginSection {
  /// How many tensors and shares are listed.
  private static let limit = 12

  let report: VerificationReport

  var markup: Markup {
    guard !(report.layers.isEmpty && report.tensors.isEmpty && report.attribution.isEmpty) else {
      return .empty
    }
    return tag("section", ["aria-labelledby": "origin"]) {
      tag("h2", ["id": "origin"]) { "Where it comes from" }
      if !report.attribution.isEmpty { attribution }
      DriftChart(report).map { chart in
        figure("Drift by layer", chart.summary, chart.markup, table: chart.table)
      }
      HeatMap(report).map { map in
        figure(
          "What each tensor adds",
          "The error of a tensor's output on the reference's inputs, ‖(W − W′)x‖ / ‖Wx‖. Point at "
            + "a field to see its tensor.",
          map.markup, table: map.table)
      }
      if !report.tensors.isEmpty { tensors }
    }
  }

  private var attribution: Markup {
    let largest = report.attribution.map(\.share).filter(\.isFinite).max() ?? 0
    return tag("div", ["class": "block"]) {
      tag("h3") { "Share of the divergence" }
      tag("p") {
        "What the mean divergence loses when these tensors are taken from the reference"
          + (report.attributionTokens.map { ", on \(Shown.count($0, "token"))" } ?? "")
          + ". Shares need not add up to 100 %."
      }
      dataTable(
        "Share of the divergence",
        columns: [
          .text("tensor or group"), .text("type"), .number("share"), .text(""),
          .number("divergence without"),
        ],
        rows: report.attribution.prefix(Self.limit).map { part in
          [
            isolated(Shown.name(part.name, limit: 60)),
            isolated(Shown.name(part.types, limit: 40)), Markup(Shown.percent(part.share)),
            bar(largest > 0 ? part.share / largest : 0), Markup(Shown.number(part.divergence)),
          ]
        })
      more(report.attribution.count)
    }
  }

  private var tensors: Markup {
    let worst = Self.worst(report.tensors)
    let largest = worst.map(\.relativeError).filter(\.isFinite).max() ?? 0
    return tag("div", ["class": "block"]) {
      tag("h3") { "Tensors with the largest error" }
      dataTable(
        "Tensors with the largest error",
        columns: [
          .text("tensor"), .text("type"), .number("relative error"), .text(""), .number("size"),
        ],
        rows: worst.prefix(Self.limit).map { tensor in
          [
            isolated(Shown.name(tensor.name, limit: 60)),
            isolated(Shown.name(tensor.type, limit: 16)),
            Markup(Shown.number(tensor.relativeError)),
            bar(largest > 0 ? tensor.relativeError / largest : 0),
            Markup(Text.bytes(max(tensor.bytes, 0))),
          ]
        })
      more(report.tensors.count)
    }
  }

  private func more(_ count: Int) -> Markup {
    guard count > Self.limit else { return .empty }
    return tag("p", ["class": "more"]) {
      "\(Text.grouped(count - Self.limit)) more are in the JSON report."
    }
  }

  /// The tensors with the largest error first; errors that are no numbers before all.
  static func worst(
    _ tensors: [VerificationReport.TensorError]
  ) -> [VerificationReport.TensorError] {
    func weight(_ tensor: VerificationReport.TensorError) -> Double {
      tensor.relativeError.isNaN ? .infinity : tensor.relativeError
    }
    return tensors.sorted { weight($0) > weight($1) }
  }
}
