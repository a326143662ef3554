import WeightmillPresentation
import WeightmillVerification

/// The divergence along the texts: the mean of each bin as an area, its largest value as a dot.
struct ProfileChart {
  /// How many bins are drawn at most; neighbours in a text are taken together until they are as few.
  private static let limit = 200
  /// A text narrower than this share has no label.
  private static let narrowest = 0.07

  private let bins: [VerificationReport.ProfileBin]
  private let mean: Double
  private let axis: LogarithmicAxis
  /// The position at which each bin begins and, as the last element, the last one ends, 0 to 1.
  private let edges: [Double]

  /// Makes the chart; `nil` when there is nothing to draw.
  init?(_ report: VerificationReport) {
    bins = Self.joined(report.profile, atMost: Self.limit)
    guard !bins.isEmpty else { return nil }
    mean = report.total.divergence.mean
    axis = LogarithmicAxis(bins.flatMap { [$0.mean, $0.maximum] } + [mean])
    let sizes = bins.map { Double(max($0.count, 1)) }
    let total = sizes.reduce(0, +)
    edges = sizes.reduce(into: [0]) { $0.append(min($0[$0.count - 1] + $1 / total, 1)) }
  }

  var markup: Markup {
    Plot(
      description: description, vertical: axis, verticalTitle: "KL divergence, nats",
      horizontal: texts.filter { $0.to - $0.from >= Self.narrowest || texts.count == 1 }
        .map {
          Plot.Label(
            position: ($0.from + $0.to) / 2, text: Shown.name($0.name, limit: 28),
            width: $0.to - $0.from)
        },
      horizontalTitle: "position, text by text", drawing: drawing
    ).markup
  }

  /// The figures of the chart as a table of at most 40 rows.
  var table: Markup {
    let rows = Self.joined(bins, atMost: 40)
    return dataTable(
      "Divergence along the text",
      columns: [.text("text"), .number("positions"), .number("mean"), .number("largest")],
      rows: rows.map { bin in
        [Shown.name(bin.text), Self.range(bin), Shown.number(bin.mean), Shown.number(bin.maximum)]
      })
  }

  private var description: String {
    let largest = bins.map(\.maximum).max() ?? 0
    return "KL divergence along \(Shown.count(texts.count, "text")): mean \(Shown.number(mean)), "
      + "largest \(Shown.number(largest)) nats"
  }

  private var drawing: Markup {
    .joined([
      leaf("path", ["class": "area", "d": outline(from: 0)]),
      leaf("path", ["class": "line", "d": steps]),
      leaf("path", ["class": "dots", "d": dots]),
      leaf("path", ["class": "mean", "d": "M0 \(Plot.y(axis.position(mean)))H1000"]),
      leaf(
        "path",
        ["class": "border", "d": texts.dropFirst().map { "M\(Plot.x($0.from)) 0V240" }.joined()]),
      .joined(
        bins.indices.map { index in
          Plot.tip(from: edges[index], to: edges[index + 1], Self.tip(bins[index]))
        }),
    ])
  }

  private var steps: String {
    bins.indices.reduce(into: "") { path, index in
      let y = Plot.y(axis.position(bins[index].mean))
      let starts = index == 0 || !Self.isSameText(bins[index - 1], bins[index])
      path += starts ? "M\(Plot.x(edges[index])) \(y)" : "V\(y)"
      path += "H\(Plot.x(edges[index + 1]))"
    }
  }

  private func outline(from floor: Double) -> String {
    let top = bins.indices.map { index in
      "V\(Plot.y(axis.position(bins[index].mean)))H\(Plot.x(edges[index + 1]))"
    }
    return "M0 \(Plot.y(floor))" + top.joined() + "V\(Plot.y(floor))Z"
  }

  private var dots: String {
    bins.indices.reduce(into: "") { path, index in
      let middle = (edges[index] + edges[index + 1]) / 2
      path += "M\(Plot.x(middle)) \(Plot.y(axis.position(bins[index].maximum)))h0"
    }
  }

  /// Each text and where it lies, 0 to 1.
  private var texts: [(name: String, from: Double, to: Double)] {
    bins.indices.reduce(into: []) { texts, index in
      if index > 0, Self.isSameText(bins[index - 1], bins[index]) {
        texts[texts.count - 1].to = edges[index + 1]
      } else {
        texts.append((bins[index].text, edges[index], edges[index + 1]))
      }
    }
  }
}

extension ProfileChart {
  private static func tip(_ bin: VerificationReport.ProfileBin) -> String {
    "\(Shown.name(bin.text, limit: 28)) \(range(bin)): mean \(Shown.number(bin.mean)), "
      + "largest \(Shown.number(bin.maximum))"
  }

  private static func range(_ bin: VerificationReport.ProfileBin) -> String {
    let last = bin.first &+ max(bin.count, 1) &- 1
    return last == bin.first
      ? Text.grouped(bin.first) : "\(Text.grouped(bin.first))–\(Text.grouped(last))"
  }

  private static func isSameText(
    _ bin: VerificationReport.ProfileBin, _ next: VerificationReport.ProfileBin
  ) -> Bool {
    // A text given twice begins anew.
    bin.text == next.text && next.first > bin.first
  }

  /// Takes neighbours of one text together until there are few enough, or one for each text.
  private static func joined(
    _ bins: [VerificationReport.ProfileBin], atMost limit: Int
  ) -> [VerificationReport.ProfileBin] {
    guard bins.count > limit else { return bins }
    let size = (bins.count + limit - 1) / limit
    var result: [VerificationReport.ProfileBin] = []
    var taken = size
    var before: VerificationReport.ProfileBin?
    for bin in bins {
      defer { before = bin }
      guard taken < size, let before, isSameText(before, bin) else {
        result.append(bin)
        taken = 1
        continue
      }
      let last = result.count - 1
      result[last] = sum(result[last], bin)
      taken += 1
    }
    return result
  }

  private static func sum(
    _ bin: VerificationReport.ProfileBin, _ other: VerificationReport.ProfileBin
  ) -> VerificationReport.ProfileBin {
    let counts = (Double(max(bin.count, 1)), Double(max(other.count, 1)))
    var result = bin
    result.count = bin.count &+ other.count
    result.mean = (bin.mean * counts.0 + other.mean * counts.1) / (counts.0 + counts.1)
    result.maximum = max(bin.maximum, other.maximum)
    return result
  }
}
