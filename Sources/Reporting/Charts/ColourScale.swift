import Presentation

/// Steps of colour for relative errors, on a logarithmic scale; the style sheet says which colours.
struct ColourScale {
  /// How many steps there are.
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
