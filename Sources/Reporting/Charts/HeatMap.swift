import WeightmillPresentation
import WeightmillVerification

/// The error that each tensor adds: kinds of tensors by layers, the others beside them.
struct HeatMap {
  /// Kinds beyond these are in the report, but not drawn.
  private static let maximumKinds = 40

  private typealias Tensor = VerificationReport.TensorError

  private let inLayers: [Tensor]
  private let others: [Tensor]
  private let kinds: [String]
  private let layers: [Int]
  private let cells: [CellKey: Tensor]
  private let scale: ColourScale

  private struct CellKey: Hashable {
    let kind: String
    let layer: Int
  }

  /// Makes the map; `nil` when tensors were not measured.
  init?(_ report: VerificationReport) {
    guard !report.tensors.isEmpty else { return nil }
    inLayers = report.tensors.filter { $0.layer != nil }
    others = Array(report.tensors.filter { $0.layer == nil }.prefix(Self.maximumKinds))
    var seen: Set<String> = []
    kinds = Array(
      inLayers.map(\.kind).filter { seen.insert($0).inserted }.prefix(Self.maximumKinds))
    layers = Set(inLayers.compactMap(\.layer)).sorted()
    cells = inLayers.reduce(into: [:]) { cells, tensor in
      if let layer = tensor.layer { cells[CellKey(kind: tensor.kind, layer: layer)] = tensor }
    }
    scale = ColourScale(report.tensors.map(\.relativeError))
  }

  var markup: Markup {
    tag("div", ["class": "heat"]) {
      if !kinds.isEmpty { grid }
      if !others.isEmpty { list }
    }
    .then(scale.legend)
  }

  /// The figures of the map as a table.
  var table: Markup {
    dataTable(
      "Relative error of each tensor's output",
      columns: [.number("layer")] + kinds.map { .number(Shown.name($0, limit: 40)) },
      rows: layers.map { layer in
        ["\(layer)"]
          + kinds.map { kind in
            cells[CellKey(kind: kind, layer: layer)].map { Shown.number($0.relativeError) } ?? ""
          }
      })
  }

  private var grid: Markup {
    tag("div", ["class": "map", "style": "--rows:\(kinds.count)"]) {
      tag("div", ["class": "kinds", "aria-hidden": "true"]) {
        for kind in kinds { tag("span") { Shown.name(kind, limit: 24) } }
      }
      tag(
        "svg",
        [
          "xmlns": "http://www.w3.org/2000/svg", "role": "img", "aria-label": description,
          "viewBox": "0 0 \(layers.count) \(kinds.count)", "preserveAspectRatio": "none",
        ]
      ) {
        for (row, kind) in kinds.enumerated() {
          for (column, layer) in layers.enumerated() {
            cells[CellKey(kind: kind, layer: layer)].map { cell($0, column: column, row: row) }
          }
        }
      }
      tag("div", ["class": "bottom", "aria-hidden": "true"]) {
        for label in Plot.labels(layers: layers, atMost: 10) {
          tag(
            "span",
            [
              "class": label.isMinor ? "minor" : nil,
              "style": "left:\(Plot.percent(label.position))",
            ]
          ) { label.text }
        }
      }
      tag("div", ["class": "bottom-title", "aria-hidden": "true"]) { "layer" }
    }
  }

  private func cell(_ tensor: Tensor, column: Int, row: Int) -> Markup {
    tag(
      "rect",
      [
        "class": scale.name(tensor.relativeError), "x": "\(column)", "y": "\(row)", "width": "1",
        "height": "1",
      ]
    ) { tag("title") { Self.tip(tensor) } }
  }

  /// The tensors outside of layers: embeddings, last norm and output.
  private var list: Markup {
    tag("table", ["class": "others"]) {
      tag("caption") { "Outside layers" }
      for tensor in others {
        tag("tr") {
          tag("th", ["scope": "row"]) {
            tag("i", ["class": scale.name(tensor.relativeError), "aria-hidden": "true"])
            tag("bdi") { Shown.name(tensor.kind, limit: 32) }
          }
          tag("td") { Shown.name(tensor.type, limit: 16) }
          tag("td", ["class": "n"]) { Shown.number(tensor.relativeError) }
        }
      }
    }
  }

  private var description: String {
    let worst = inLayers.filter { !$0.relativeError.isNaN }
      .max { $0.relativeError < $1.relativeError }
    return "Relative error of \(Shown.count(inLayers.count, "tensor")) in "
      + "\(Shown.count(layers.count, "layer"))"
      + (worst.map { "; the largest: \(Self.tip($0))" } ?? "")
  }

  private static func tip(_ tensor: Tensor) -> String {
    "\(Shown.name(tensor.name, limit: 60)) (\(Shown.name(tensor.type, limit: 16))): "
      + Shown.number(tensor.relativeError)
  }
}

/// Steps of colour for relative errors, on a logarithmic scale; the style sheet says which colours.
struct ColourScale {
  /// The number of steps.
  static let steps = 10
  private let low: Double
  private let high: Double
  private let hasZero: Bool
  private let hasBroken: Bool

  /// Makes a scale from the smallest to the largest value; 0 and what is not finite have steps of
  /// their own.
  init(_ values: [Double]) {
    let regular = values.filter { $0 > 0 && $0.isFinite }
    low = regular.min() ?? 0
    high = regular.max() ?? 0
    hasZero = values.contains { $0 <= 0 }
    hasBroken = values.contains { !$0.isFinite }
  }

  /// The name of the step in the style sheet.
  func name(_ value: Double) -> String {
    guard value.isFinite else { return "hx" }
    guard value > 0 else { return "hz" }
    guard low < high else { return "h\(Self.steps / 2)" }
    let share = LogarithmicAxis.share(of: value, from: low, to: high)
    return "h\(min(max(Int(share * Double(Self.steps)), 0), Self.steps - 1))"
  }

  /// The legend: what the colours mean, in words and figures.
  var legend: Markup {
    tag("p", ["class": "scale"]) {
      if high > 0 {
        tag("span") { Shown.number(low) }
        tag("span", ["class": "swatches", "aria-hidden": "true"]) {
          for step in 0..<Self.steps { tag("i", ["class": "h\(step)"]) }
        }
        tag("span") { "\(Shown.number(high)) relative error" }
      }
      if hasZero {
        tag("span", ["class": "swatches", "aria-hidden": "true"]) { tag("i", ["class": "hz"]) }
        tag("span") { "exact" }
      }
      if hasBroken {
        tag("span", ["class": "swatches", "aria-hidden": "true"]) { tag("i", ["class": "hx"]) }
        tag("span") { "infinite, or not a number" }
      }
    }
  }
}
