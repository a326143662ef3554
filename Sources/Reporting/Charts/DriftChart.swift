import WeightmillPresentation
import WeightmillVerification

/// The relative error of the residual stream, layer by layer.
struct DriftChart {
  private let layers: [VerificationReport.LayerDrift]
  private let axis: LinearAxis

  /// Makes the chart; `nil` when layers were not measured.
  init?(_ report: VerificationReport) {
    guard !report.layers.isEmpty else { return nil }
    layers = report.layers.sorted { $0.layer < $1.layer }
    axis = LinearAxis(layers.map(\.relativeError))
  }

  var markup: Markup {
    Plot(
      description: summary, vertical: axis, verticalTitle: "relative error",
      horizontal: Plot.labels(layers: layers.map(\.layer), atMost: 11),
      horizontalTitle: layers[0].layer < 0 ? "layer; the first point is the embeddings" : "layer",
      drawing: drawing
    ).markup
  }

  /// The chart in words.
  var summary: String {
    let last = layers[layers.count - 1]
    let end = "\(Shown.number(last.relativeError)) after \(Self.longName(last))"
    guard layers.count > 1, let step = largestStep else {
      return "Relative error of the residual stream: \(end)."
    }
    return "Relative error of the residual stream: \(end). It grows most in "
      + "\(Self.longName(step.layer)), by \(Shown.number(step.growth))."
  }

  /// The figures of the chart as a table.
  var table: Markup {
    dataTable(
      "Relative error of the residual stream",
      columns: [.text("after"), .number("relative error")],
      rows: layers.map { [Self.longName($0), Shown.number($0.relativeError)] })
  }

  private var largestStep: (layer: VerificationReport.LayerDrift, growth: Double)? {
    zip(layers, layers.dropFirst()).map { ($1, $1.relativeError - $0.relativeError) }
      .filter { $0.1 > 0 && $0.1.isFinite }.max { $0.1 < $1.1 }
  }

  private func middle(_ index: Int) -> Double { (Double(index) + 0.5) / Double(layers.count) }

  private func point(_ index: Int) -> String {
    "\(Plot.x(middle(index))) \(Plot.y(axis.position(layers[index].relativeError)))"
  }

  private var drawing: Markup {
    let finite = layers.indices.filter { layers[$0].relativeError.isFinite }
    let broken = layers.indices.filter { !layers[$0].relativeError.isFinite }
    let width = 1 / Double(layers.count)
    return .joined([
      leaf("path", ["class": "area", "d": area(finite)]),
      leaf("path", ["class": "line", "d": Self.path(finite.map(point))]),
      leaf("path", ["class": "points", "d": finite.map { "M\(point($0))h0" }.joined()]),
      // What is no number has its mark at the upper edge.
      leaf(
        "path",
        ["class": "broken", "d": broken.map { "M\(Plot.x(middle($0))) 0v12" }.joined()]),
      .joined(
        layers.indices.map { index in
          Plot.tip(
            from: Double(index) * width, to: Double(index + 1) * width,
            "after \(Self.longName(layers[index])): \(Shown.number(layers[index].relativeError))")
        }),
    ])
  }

  private func area(_ indices: [Int]) -> String {
    guard let first = indices.first, let last = indices.last, first < last else { return "" }
    return "M\(Plot.x(middle(first))) 240L" + indices.map(point).joined(separator: "L")
      + "L\(Plot.x(middle(last))) 240Z"
  }

  private static func path(_ points: [String]) -> String {
    points.count > 1 ? "M" + points.joined(separator: "L") : ""
  }

  private static func longName(_ layer: VerificationReport.LayerDrift) -> String {
    layer.layer < 0 ? "the embeddings" : "layer \(layer.layer)"
  }
}
