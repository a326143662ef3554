import WeightmillPresentation
import WeightmillVerification

/// The section on how far the predictions are apart: along the texts, how often, and text by text.
struct DivergenceSection {
  let report: VerificationReport

  var markup: Markup {
    tag("section", ["aria-labelledby": "divergence"]) {
      tag("h2", ["id": "divergence"]) { "How far the predictions are apart" }
      ProfileChart(report).map { chart in
        figure(
          "Along the text",
          "The line is the mean of neighbouring positions, a dot the largest divergence among "
            + "them, the dashed line the mean of all.",
          legend.then(chart.markup), table: chart.table)
      }
      HistogramChart(report).map { chart in
        figure(
          "How often which divergence occurs",
          "Bars are equally wide on a logarithmic scale; lines mark the mean and what so many "
            + "percent of the positions are below.",
          chart.markup, table: chart.table)
      }
      texts
    }
  }

  private var legend: Markup {
    tag("p", ["class": "legend", "aria-hidden": "true"]) {
      tag("span") {
        tag("i", ["class": "key-line"])
        "mean"
      }
      tag("span") {
        tag("i", ["class": "key-dot"])
        "largest"
      }
      tag("span") {
        tag("i", ["class": "key-mean"])
        "mean of all, \(Shown.number(report.total.divergence.mean))"
      }
    }
  }

  private var texts: Markup {
    let all: [(name: String, tokens: Int?, statistics: LogitStatistics?)] =
      report.texts.map { ($0.name, $0.tokens, $0.statistics) }
      + (report.texts.count > 1 ? [("all together", nil, report.total)] : [])
    return tag("div", ["class": "block"]) {
      tag("h3") { "Text by text" }
      dataTable(
        "Figures of each text",
        columns: [
          .text("text"), .number("tokens"), .number("positions"), .number("KL mean"),
          .number("±"), .number("median"), .number("99 %"), .number("largest"),
          .number("same top"), .number("perplexity"), .number("ratio"),
        ],
        rows: all.map { row($0.name, tokens: $0.tokens, $0.statistics) })
    }
  }

  private func row(_ name: String, tokens: Int?, _ statistics: LogitStatistics?) -> [String] {
    let start = [Shown.name(name, limit: 60), tokens.map(Text.grouped) ?? ""]
    guard let statistics else {
      return start + ["not reached"] + Array(repeating: "", count: 8)
    }
    let divergence = statistics.divergence
    return start + [Text.grouped(statistics.positions)]
      + [
        divergence.mean, divergence.standardError, divergence.median, divergence.p99,
        divergence.maximum,
      ].map(Shown.number)
      + [
        Shown.percent(statistics.sameTop), Shown.number(statistics.perplexity.candidate),
        Text.fixed(statistics.perplexity.ratio, 4),
      ]
  }
}
