import WeightmillAllocation
import WeightmillPresentation
import WeightmillTensors

/// What each kind of matrix costs.
struct CostSection {
  let report: SizesReport

  var markup: Markup {
    let kinds = report.sensitivities.kinds
    let weights = kinds.reduce(0) { $0 + $1.weights }
    let largest = kinds.map(\.share).max() ?? 0
    return tag("section", ["aria-labelledby": "costs"]) {
      tag("h2", ["id": "costs"]) { "What each kind of matrix costs" }
      tag("p") {
        "Each matrix alone was rounded to \(probes), and the divergence of the predictions measured. "
          + "A kind with a larger share of the divergence than of the weights deserves more bits."
      }
      dataTable(
        "What each kind of matrix costs",
        columns: [
          .text("kind"), .number("matrices"), .number("share of the weights"),
          .number("share of the divergence"), .text(""), .number("divergence"),
        ],
        rows: kinds.map { kind in
          [
            isolated(Shown.name(kind.name, limit: 40)), Markup(Text.grouped(kind.matrices)),
            Markup(Shown.percent(Double(kind.weights) / Double(max(1, weights)))),
            Markup(Shown.percent(kind.share)), bar(largest > 0 ? kind.share / largest : 0),
            Markup(Shown.number(kind.divergence)),
          ]
        })
    }
  }

  /// The types in which matrices alone were rounded.
  private var probes: String {
    Set(report.sensitivities.matrices.map(\.probe))
      .sorted { ($0.bitsPerValue, $0.name) < ($1.bitsPerValue, $1.name) }
      .map { $0.name.lowercased() }.joined(separator: " or ")
  }
}

/// What was measured, and by what.
struct MeasuredSection {
  /// How many texts are named.
  private static let limit = 20

  let report: SizesReport

  var markup: Markup {
    tag("section", ["aria-labelledby": "measured"]) {
      tag("h2", ["id": "measured"]) { "What was measured" }
      tag("div", ["class": "block"]) {
        dataTable("What was measured", columns: [.text(""), .text("")], rows: rows)
      }
      if !report.sensitivities.uniform.isEmpty { uniform }
    }
  }

  private var rows: [[String]] {
    let origin = report.sensitivities.origin
    let more = origin.names.count > Self.limit ? ", …" : ""
    let names = origin.names.prefix(Self.limit).map { Shown.name($0, limit: 60) }
    return [
      ["model", Shown.name(report.model)],
      ["matrices", Text.grouped(report.sensitivities.matrices.count)],
      ["texts", names.joined(separator: ", ") + more],
      [
        "tokens",
        "\(Text.grouped(origin.tokens)); \(Text.grouped(origin.sample)) for each matrix alone",
      ],
      ["types", origin.types.map { $0.name.lowercased() }.joined(separator: ", ")],
      ["importance", origin.importance.isEmpty ? "none" : "guides the encoders"],
    ]
  }

  /// The model in one type, which tells how errors of all matrices add up.
  private var uniform: Markup {
    tag("div", ["class": "block"]) {
      tag("h3") { "All matrices in one type" }
      tag("p") {
        "Measured: the whole model in one type, or in the one that fits in its place."
      }
      dataTable(
        "All matrices in one type",
        columns: [.text("type"), .number("bits"), .number("divergence")],
        rows: report.sensitivities.uniform.map { uniform in
          [
            uniform.type.name.lowercased(), Shown.short(uniform.type.bitsPerValue),
            Shown.number(uniform.divergence),
          ]
        })
    }
  }
}
