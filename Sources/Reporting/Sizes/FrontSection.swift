import WeightmillAllocation
import WeightmillPresentation

/// The chart of the front: the size of files against the divergence that is expected of them.
struct FrontSection {
  let report: SizesReport

  var markup: Markup {
    tag("section", ["aria-labelledby": "front"]) {
      tag("h2", ["id": "front"]) { "Size and divergence" }
      if let chart = FrontChart(report) {
        figure(
          "The best files of every size",
          "The line is the least divergence that files of a size can have, a dot the mix of that "
            + "name. The lower, the nearer the predictions are to the model's.",
          legend.then(chart.markup), table: chart.table)
      } else {
        tag("p") { "The types that were tried make no file to draw." }
      }
    }
  }

  private var legend: Markup {
    tag("p", ["class": "legend", "aria-hidden": "true"]) {
      tag("span") {
        tag("i", ["class": "key-line"])
        "the best choice of types"
      }
      tag("span") {
        tag("i", ["class": "key-dot"])
        "a mix"
      }
    }
  }
}

/// Size along the bottom, divergence along the side on a logarithmic scale.
struct FrontChart {
  private let chosen: [SizeFront.Point]
  private let mixes: [SizeFront.Point]
  private let sizes: SizeAxis
  private let divergences: LogarithmicAxis

  /// Makes the chart; `nil` when there is nothing to draw.
  init?(_ report: SizesReport) {
    (chosen, mixes) = (report.front.chosen, report.front.mixes)
    let all = chosen + mixes
    guard !all.isEmpty else { return nil }
    sizes = SizeAxis(all.map(\.bytes))
    divergences = LogarithmicAxis(all.map(\.divergence))
  }

  var markup: Markup {
    tag("div", ["class": "front"]) {
      Plot(
        description: description, vertical: divergences,
        verticalTitle: "expected KL divergence, nats",
        horizontal: sizes.ticks.enumerated().map { number, tick in
          Plot.Label(position: tick.position, text: tick.label, isMinor: number % 2 == 1)
        },
        horizontalTitle: "size of the file",
        marks: MarkLayout(mixes.map(place), beside: chosen.map(place)).marks,
        drawing: drawing
      ).markup
    }
  }

  /// The figures of the line as a table.
  var table: Markup {
    dataTable(
      "The best choices",
      columns: [.number("size"), .number("expected divergence"), .text("in the size of")],
      rows: chosen.map { point in
        [
          Text.bytes(point.bytes), Shown.number(point.divergence),
          Shown.name(point.name, limit: 24),
        ]
      })
  }

  private var description: String {
    guard let first = chosen.first, let last = chosen.last else {
      return "Expected divergence of \(Shown.count(mixes.count, "mix", "mixes")) by size"
    }
    return "Expected divergence by size: the best choices from \(Shown.number(first.divergence)) "
      + "nats in \(Text.bytes(first.bytes)) to \(Shown.number(last.divergence)) in "
      + "\(Text.bytes(last.bytes)), beside \(Shown.count(mixes.count, "mix", "mixes"))"
  }

  private func place(_ point: SizeFront.Point) -> MarkLayout.Point {
    MarkLayout.Point(
      x: sizes.position(Double(point.bytes)), y: divergences.position(point.divergence),
      name: Shown.name(point.name, limit: 24))
  }

  private var drawing: Markup {
    let line = chosen.map(place).map { "\(Plot.x($0.x)) \(Plot.y($0.y))" }
    let dots = mixes.map(place).map { "M\(Plot.x($0.x)) \(Plot.y($0.y))h0" }
    return .joined([
      leaf("path", ["class": "line", "d": line.isEmpty ? "" : "M" + line.joined(separator: "L")]),
      leaf("path", ["class": "dots", "d": dots.joined()]), tips,
    ])
  }

  /// What is said where the chart is pointed at: the choice whose size is nearest.
  private var tips: Markup {
    let points = chosen.map(place)
    return .joined(
      points.indices.map { index in
        let from = index == 0 ? 0 : (points[index - 1].x + points[index].x) / 2
        let to = index == points.count - 1 ? 1 : (points[index].x + points[index + 1].x) / 2
        return Plot.tip(from: from, to: to, Self.tip(chosen[index]))
      })
  }

  private static func tip(_ point: SizeFront.Point) -> String {
    let mix = point.name.isEmpty ? "" : " (the size of \(Shown.name(point.name, limit: 24)))"
    return "\(Text.bytes(point.bytes))\(mix): \(Shown.number(point.divergence)) at best"
  }
}

extension Shown {
  /// How many there are of something whose plural is not regular.
  static func count(_ count: Int, _ noun: String, _ plural: String) -> String {
    "\(Text.grouped(count)) \(count == 1 ? noun : plural)"
  }
}
