import WeightmillAllocation
import WeightmillPresentation
import WeightmillTensors

/// Which type each matrix has in the best file of some sizes; one size is shown, chosen without a script.
struct TypeSection {
  /// The size that is shown first, if there is one.
  private static let first = "Q4_K_M"

  private let sizes: [SizeFront.Point]
  private let grid: MatrixGrid
  private let scale: ColourScale
  private let types: [TensorType]

  init(report: SizesReport) {
    sizes = report.front.chosen.filter { !$0.name.isEmpty }
    grid = MatrixGrid(report.sensitivities)
    types = Set(sizes.flatMap { $0.types.map(\.type) })
      .sorted { ($0.bitsPerValue, $0.name) < ($1.bitsPerValue, $1.name) }
    scale = ColourScale(types.map(\.bitsPerValue))
  }

  var markup: Markup {
    guard !sizes.isEmpty else { return .empty }
    let shown = sizes.firstIndex { $0.name == Self.first } ?? sizes.count / 2
    return tag("section", ["aria-labelledby": "types"]) {
      tag("h2", ["id": "types"]) { "Which type each matrix has" }
      tag("p") {
        "The best choice in the size of a mix. Colours go by the bits of the types."
      }
      tag("div", ["class": "sheets", "role": "radiogroup", "aria-label": "In the size of"]) {
        for (index, size) in sizes.enumerated() {
          let id = "size-\(index)"
          leaf(
            "input",
            [
              "type": "radio", "name": "size", "id": id,
              "checked": index == shown ? "checked" : nil,
            ])
          tag("label", ["for": id]) { Shown.name(size.name, limit: 24) }
          tag("div", ["class": "sheet"]) { sheet(size) }
        }
      }
      legend
    }
  }

  private func sheet(_ size: SizeFront.Point) -> Markup {
    let types = Dictionary(
      size.types.map { (TensorName($0.name), $0.type) }, uniquingKeysWith: { first, _ in first })
    return Markup.joined([
      tag("p") {
        tag("b") { Text.bytes(size.bytes) }
        ", as large as \(Shown.name(size.name, limit: 24)) or smaller; expected divergence "
        tag("b") { Shown.number(size.divergence) }
      },
      tag("div", ["class": "heat"]) {
        grid.layers(types, scale, name: size.name)
        grid.others(types, scale)
      },
    ])
  }

  private var legend: Markup {
    tag("p", ["class": "scale"]) {
      for type in types {
        tag("span", ["class": "type"]) {
          tag("span", ["class": "swatches", "aria-hidden": "true"]) {
            tag("i", ["class": scale.name(type.bitsPerValue)])
          }
          " \(type.name.lowercased()): \(Shown.short(type.bitsPerValue)) bits"
        }
      }
    }
  }
}

/// The matrices of a model: kinds by layers, the others beside them.
struct MatrixGrid {
  /// Kinds beyond these are not drawn.
  private static let maximumKinds = 40
  /// With more layers than these, types are written from top to bottom.
  private static let broadLayers = 12

  private let kinds: [String]
  private let layers: [Int]
  private let names: [MatrixPlace: TensorName]
  private let outside: [(kind: String, name: TensorName)]

  init(_ sensitivities: Sensitivities) {
    let matrices = sensitivities.matrices.map { (place: MatrixPlace($0.name), name: $0.name) }
    var seen: Set<String> = []
    kinds = Array(
      matrices.filter { $0.place.layer != nil }.map(\.place.kind)
        .filter { seen.insert($0).inserted }.prefix(Self.maximumKinds))
    layers = Set(matrices.compactMap(\.place.layer)).sorted()
    names = matrices.reduce(into: [:]) { $0[$1.place] = TensorName($1.name) }
    outside = matrices.filter { $0.place.layer == nil }.prefix(Self.maximumKinds)
      .map { ($0.place.kind, TensorName($0.name)) }
  }

  /// The map of the layers.
  func layers(_ types: [TensorName: TensorType], _ scale: ColourScale, name: String) -> Markup {
    guard !kinds.isEmpty else { return .empty }
    let caption = "Types by layer in the size of \(Shown.name(name, limit: 24))"
    let isBroad = layers.count <= Self.broadLayers
    return tag(
      "div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": caption]
    ) {
      tag("table", ["class": isBroad ? "types" : "types upright"]) {
        tag("thead") {
          tag("tr") {
            tag("th", ["scope": "col"]) { "layer" }
            for layer in layers { tag("th", ["scope": "col"]) { "\(layer)" } }
          }
        }
        tag("tbody") {
          for kind in kinds { row(kind, types, scale) }
        }
      }
    }
  }

  private func row(
    _ kind: String, _ types: [TensorName: TensorType], _ scale: ColourScale
  ) -> Markup {
    tag("tr") {
      tag("th", ["scope": "row"]) { isolated(Shown.name(kind, limit: 24)) }
      for layer in layers {
        let type = names[MatrixPlace(kind: kind, layer: layer)].flatMap { types[$0] }
        if let type {
          tag("td", ["class": scale.name(type.bitsPerValue)]) { type.name.lowercased() }
        } else {
          tag("td")
        }
      }
    }
  }

  /// The matrices outside of layers: embeddings and output.
  func others(_ types: [TensorName: TensorType], _ scale: ColourScale) -> Markup {
    guard !outside.isEmpty else { return .empty }
    return tag("table", ["class": "others"]) {
      tag("caption") { "Outside layers" }
      for matrix in outside {
        tag("tr") {
          tag("th", ["scope": "row"]) {
            types[matrix.name].map { type in
              tag("i", ["class": scale.name(type.bitsPerValue), "aria-hidden": "true"])
            }
            isolated(Shown.name(matrix.kind, limit: 32))
          }
          tag("td") { types[matrix.name]?.name.lowercased() ?? "as the mix has it" }
        }
      }
    }
  }
}
