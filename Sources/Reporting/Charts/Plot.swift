import WeightmillPresentation

/// The frame of a chart: marks at its sides, lines behind it, and the drawing.
///
/// The drawing is an SVG that stretches to the width there is; labels are HTML beside it, placed by
/// percentages, so that they stay as large as other text, on a phone, too.
struct Plot {
  /// A label below or above the drawing.
  struct Label {
    /// The position along the axis, 0 to 1.
    let position: Double
    let text: String
    /// Whether a narrow page does without it.
    var isMinor = false
    /// The share of the drawing that it may take; what is longer is cut off.
    var width: Double?
  }

  /// A value marked across the whole drawing: a line with a label on a row of its own above it.
  struct Flag {
    let position: Double
    let text: String
  }

  /// A point's name in the drawing: on a stem above the point.
  struct Mark {
    /// The point's position along the bottom and along the side, 0 to 1.
    let position: (x: Double, y: Double)
    let text: String
    /// The height of the stem and the name, in the size of the page's text.
    let stem: Double
    /// Whether the name stands at the left of its stem.
    let isLeft: Bool
    /// Whether a narrow page does without it.
    var isMinor = false
  }

  /// The drawing's own coordinates: 0 to `width` and, downwards, 0 to `height`.
  static let width = 1000.0
  static let height = 240.0

  /// A sentence on what the plot shows, for those who do not see it.
  let description: String
  let vertical: any Axis
  /// The title of the values along the side.
  let verticalTitle: String
  let horizontal: [Label]
  /// The title of the values along the bottom.
  let horizontalTitle: String
  var flags: [Flag] = []
  var marks: [Mark] = []
  let drawing: Markup

  var markup: Markup {
    tag("div", ["class": "plot"]) {
      tag("div", ["class": "side-title", "aria-hidden": "true"]) { verticalTitle }
      if !flags.isEmpty { flagRows }
      tag("div", ["class": "side", "aria-hidden": "true"]) {
        for tick in vertical.ticks {
          tag("span", ["style": "bottom:\(Self.percent(tick.position))"]) { tick.label }
        }
      }
      if marks.isEmpty {
        picture
      } else {
        tag("div", ["class": "field"]) {
          picture
          for mark in marks { Self.name(mark) }
        }
      }
      tag("div", ["class": "bottom", "aria-hidden": "true"]) {
        for label in horizontal {
          tag("span", ["class": Self.placing(label), "style": Self.style(label)]) { label.text }
        }
      }
      tag("div", ["class": "bottom-title", "aria-hidden": "true"]) { horizontalTitle }
    }
  }

  private var picture: Markup {
    tag(
      "svg",
      [
        "xmlns": "http://www.w3.org/2000/svg", "role": "img", "aria-label": description,
        "viewBox": "0 0 \(Self.number(Self.width)) \(Self.number(Self.height))",
        "preserveAspectRatio": "none",
      ]
    ) {
      grid
      drawing
      flagLines
    }
  }

  private static func name(_ mark: Mark) -> Markup {
    let side =
      mark.isLeft
      ? "right:\(percent(1 - mark.position.x))" : "left:\(percent(mark.position.x))"
    let names = ["mark", mark.isLeft ? "before" : nil, mark.isMinor ? "minor" : nil]
    return tag(
      "span",
      [
        "class": names.compactMap(\.self).joined(separator: " "),
        "style": "\(side);bottom:\(percent(mark.position.y));height:\(number(mark.stem))rem",
        "aria-hidden": "true",
      ]
    ) { tag("b") { mark.text } }
  }

  private var grid: Markup {
    let lines = vertical.ticks.map { "M0 \(Self.y($0.position))H\(Self.number(Self.width))" }
    return leaf("path", ["class": "grid", "d": lines.joined()])
  }

  /// Labels on rows of their own, each with its line down to the drawing. Those at the right have
  /// their label to the left and come first, the rightmost on top: so no line crosses a label of
  /// the same side.
  private var flagRows: Markup {
    let sorted = flags.sorted { $0.position < $1.position }
    let rows = sorted.filter { $0.position > 0.6 }.reversed() + sorted.filter { $0.position <= 0.6 }
    return tag("div", ["class": "flags", "style": "--flags:\(rows.count)", "aria-hidden": "true"]) {
      for (row, flag) in rows.enumerated() {
        let isLeft = flag.position > 0.6
        let side =
          isLeft
          ? "right:\(Self.percent(1 - flag.position))" : "left:\(Self.percent(flag.position))"
        tag("span", ["class": isLeft ? "before" : nil, "style": "\(side);--row:\(row)"]) {
          tag("b") { flag.text }
        }
      }
    }
  }

  private var flagLines: Markup {
    guard !flags.isEmpty else { return .empty }
    let lines = flags.map { "M\(Self.x($0.position)) 0V\(Self.number(Self.height))" }
    return leaf("path", ["class": "flag", "d": lines.joined()])
  }

  private static func style(_ label: Label) -> String {
    let width = label.width.map { ";max-width:\(percent($0))" } ?? ""
    return "left:\(percent(label.position))\(width)"
  }

  /// Labels at the ends do not stick out.
  private static func placing(_ label: Label) -> String? {
    let side = label.position < 0.02 ? "first" : label.position > 0.98 ? "last" : nil
    let names = [side, label.isMinor ? "minor" : nil].compactMap { $0 }
    return names.isEmpty ? nil : names.joined(separator: " ")
  }
}

extension Plot {
  /// The distance from the left of a position along the bottom.
  static func x(_ position: Double) -> String { number(position * width) }

  /// The distance from the top of a position along the side, which counts from the bottom.
  static func y(_ position: Double) -> String { number((1 - position) * height) }

  /// A coordinate, as short as a tenth allows.
  static func number(_ value: Double) -> String {
    let text = Text.fixed(value, 1)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  /// A position as a percentage, for a style.
  static func percent(_ position: Double) -> String { Text.fixed(position * 100, 2) + "%" }

  /// An invisible piece of the drawing that says what is there when it is pointed at.
  static func tip(from: Double, to: Double, _ text: String) -> Markup {
    tag(
      "rect",
      [
        "class": "tip", "x": number(from * width), "width": number(max(to - from, 0) * width),
        "height": number(height),
      ]
    ) { tag("title") { text } }
  }

  /// Labels for layers in a row, at most about `count` of them, at round numbers.
  ///
  /// - Parameters:
  ///   - layers: Their numbers, ascending.
  ///   - count: How many labels there may be.
  /// - Returns: The labels, each in the middle of its layer.
  static func labels(layers: [Int], atMost count: Int) -> [Label] {
    let step = [1, 2, 5, 10, 20, 50, 100].first { layers.count <= $0 * count } ?? layers.count
    let shown = layers.indices.filter { layers[$0] % step == 0 || layers.count == 1 }
    return shown.enumerated().map { number, index in
      Label(
        position: (Double(index) + 0.5) / Double(layers.count),
        text: layers[index] < 0 ? "emb" : "\(layers[index])",
        isMinor: shown.count > 6 && number % 2 == 1)
    }
  }
}
