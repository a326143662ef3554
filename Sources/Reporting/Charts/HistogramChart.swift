import WeightmillPresentation
import WeightmillVerification

/// A histogram of the divergences, the quantiles marked.
struct HistogramChart {
  private let bins: [VerificationReport.HistogramBin]
  private let divergence: LogitStatistics.Divergence
  private let axis: LinearAxis

  /// Makes the chart without the empty bins at both ends; `nil` when all are empty.
  init?(_ report: VerificationReport) {
    let bins = report.histogram
    guard let first = bins.firstIndex(where: { $0.count > 0 }),
      let last = bins.lastIndex(where: { $0.count > 0 })
    else { return nil }
    self.bins = Array(bins[max(first - 1, 0)...min(last + 1, bins.count - 1)])
    divergence = report.total.divergence
    axis = LinearAxis(self.bins.map { Double($0.count) }, isCount: true)
  }

  var markup: Markup {
    Plot(
      description: description, vertical: axis, verticalTitle: "positions", horizontal: labels,
      horizontalTitle: "KL divergence, nats", flags: flags, drawing: drawing
    ).markup
  }

  /// The figures of the chart as a table.
  var table: Markup {
    dataTable(
      "Distribution of the divergence",
      columns: [.number("from"), .number("to"), .number("positions")],
      rows: bins.filter { $0.count > 0 }.map { bin in
        [Shown.number(bin.from), Shown.number(bin.to), Text.grouped(bin.count)]
      })
  }

  private var quantiles: [(name: String, value: Double)] {
    [
      ("median", divergence.median), ("mean", divergence.mean), ("90 %", divergence.p90),
      ("95 %", divergence.p95), ("99 %", divergence.p99), ("99.9 %", divergence.p999),
    ]
  }

  private var description: String {
    "Distribution of KL divergence: "
      + quantiles.map { "\($0.name) \(Shown.number($0.value))" }.joined(separator: ", ") + " nats"
  }

  private var flags: [Plot.Flag] {
    quantiles.filter { !$0.value.isNaN }.map { quantile in
      Plot.Flag(
        position: position(quantile.value), text: "\(quantile.name) \(Shown.number(quantile.value))"
      )
    }
  }

  private var drawing: Markup {
    let width = 1 / Double(bins.count)
    let bars = bins.indices.filter { bins[$0].count > 0 }.map { index in
      let top = axis.position(Double(bins[index].count))
      let left = Double(index) * width
      return
        "M\(Plot.x(left + width * 0.06)) 240V\(Plot.y(top))H\(Plot.x(left + width * 0.94))V240Z"
    }
    let tips = bins.indices.map { index in
      let bin = bins[index]
      return Plot.tip(
        from: Double(index) * width, to: Double(index + 1) * width,
        "\(Shown.number(bin.from)) to \(Shown.number(bin.to)): "
          + Shown.count(bin.count, "position"))
    }
    return .joined([leaf("path", ["class": "bars", "d": bars.joined()]), .joined(tips)])
  }

  /// The position of a divergence: bins are equally wide, and logarithmic within.
  private func position(_ value: Double) -> Double {
    guard let index = bins.firstIndex(where: { value < $0.to }) else { return 1 }
    let bin = bins[index]
    let within: Double =
      if bin.from > 0, bin.to.isFinite {
        LogarithmicAxis.share(of: value, from: bin.from, to: bin.to)
      } else {
        bin.to.isFinite && bin.to > 0 ? value / bin.to : 0.5
      }
    return (Double(index) + min(max(within, 0), 1)) / Double(bins.count)
  }

  /// A label at each power of ten that a bin begins with; at both ends if there are too few.
  private var labels: [Plot.Label] {
    let powers = bins.indices.compactMap { index in
      LogarithmicAxis.exactExponent(bins[index].from).map { (index, $0) }
    }
    guard powers.count > 1 else {
      return [
        Plot.Label(position: 0, text: Shown.short(bins[0].from)),
        Plot.Label(position: 1, text: Shown.short(bins[bins.count - 1].to)),
      ]
    }
    let labels = powers.enumerated().map { number, power in
      Plot.Label(
        position: Double(power.0) / Double(bins.count), text: LogarithmicAxis.label(power.1),
        isMinor: powers.count > 5 && number % 2 == 1)
    }
    guard bins[0].from == 0, powers[0].0 > 1 else { return labels }
    return [Plot.Label(position: 0, text: "0")] + labels
  }
}
