import WeightmillPresentation
import WeightmillTensors

/// An axis of a chart: the positions of values along one of its sides, from 0 to 1.
protocol Axis {
  /// The marks along it.
  var ticks: [Tick] { get }

  /// A value's position: 0 for what is below the axis, 1 for what is above.
  func position(_ value: Double) -> Double
}

/// A mark on an axis.
struct Tick: Equatable {
  /// The position along the axis, 0 to 1.
  let position: Double
  /// The text beside the mark.
  let label: String
}

/// A linear axis from 0 up to a round number.
struct LinearAxis: Axis {
  private let step: Double
  private let steps: Int
  private let isCount: Bool

  /// Makes an axis for values from 0 on; what is not finite does not count.
  ///
  /// - Parameters:
  ///   - values: What will be drawn.
  ///   - isCount: Whether they are whole numbers.
  init(_ values: some Sequence<Double>, isCount: Bool = false) {
    let largest = values.reduce(0) { $1.isFinite ? max($0, $1) : $0 }
    // The smallest of 1, 2, 5, 10, … that needs at most five steps.
    let wanted = (largest > 0 ? max(largest, isCount ? 1 : 1e-12) : 1) / 5
    let exponent = (Elementary.logarithm(wanted) / Elementary.logarithm(10)).rounded(.down)
    let power = Elementary.power(10, exponent)
    var step = [1.0, 2, 5, 10].map { $0 * power }.first { $0 >= wanted * (1 - 1e-9) } ?? 10 * power
    if isCount { step = max(step, 1) }
    self.step = step
    self.isCount = isCount
    steps = max(1, Int((max(largest, step) / step * (1 - 1e-9)).rounded(.up)))
  }

  var ticks: [Tick] {
    (0...steps).map { number in
      let value = Double(number) * step
      let label = isCount && value < 1e15 ? Text.grouped(Int(value)) : Shown.short(value)
      return Tick(position: Double(number) / Double(steps), label: label)
    }
  }

  func position(_ value: Double) -> Double {
    value.isNaN ? 0 : min(max(value / (step * Double(steps)), 0), 1)
  }
}

/// A logarithmic axis between two powers of ten. There is no room for 0: it lies at the lower end.
struct LogarithmicAxis: Axis {
  /// How many powers of ten an axis spans at most; what is smaller lies at the lower end.
  private static let decades = 9
  private let lower: Int
  private let upper: Int

  /// Makes an axis for values; what is not positive and finite does not count.
  init(_ values: some Sequence<Double>) {
    let range = values.reduce(into: (low: Double.infinity, high: 0.0)) { range, value in
      guard value > 0, value.isFinite else { return }
      range = (min(range.low, value), max(range.high, value))
    }
    guard range.high > 0 else {
      (lower, upper) = (-3, 0)
      return
    }
    let upper = Int((Self.exponent(range.high) - 1e-9).rounded(.up))
    let lower = Int((Self.exponent(range.low) + 1e-9).rounded(.down))
    self.upper = upper
    self.lower = max(min(lower, upper - 1), upper - Self.decades)
  }

  var ticks: [Tick] {
    let span = upper - lower
    let step = span > 5 ? 2 : 1
    return stride(from: upper, through: lower, by: -step).reversed().map { exponent in
      Tick(position: Double(exponent - lower) / Double(span), label: Self.label(exponent))
    }
  }

  func position(_ value: Double) -> Double {
    guard value > 0 else { return 0 }
    guard value.isFinite else { return 1 }
    return min(max((Self.exponent(value) - Double(lower)) / Double(upper - lower), 0), 1)
  }

  private static func exponent(_ value: Double) -> Double {
    Elementary.logarithm(value) / Elementary.logarithm(10)
  }

  /// The position of a value between two others on a logarithmic scale, 0 to 1; all are positive.
  static func share(of value: Double, from low: Double, to high: Double) -> Double {
    guard value > low, low < high else { return 0 }
    guard value < high else { return 1 }
    let start = Elementary.logarithm(low)
    return (Elementary.logarithm(value) - start) / (Elementary.logarithm(high) - start)
  }

  /// The exponent, if a value is a power of ten but for rounding.
  static func exactExponent(_ value: Double) -> Int? {
    guard value > 0, value.isFinite else { return nil }
    let exponent = exponent(value)
    return abs(exponent - exponent.rounded()) < 1e-9 ? Int(exponent.rounded()) : nil
  }

  /// The label of a power of ten: `0.01` or `10⁻⁸`.
  static func label(_ exponent: Int) -> String {
    if (0...3).contains(exponent) { return "1" + String(repeating: "0", count: exponent) }
    if (-3..<0).contains(exponent) {
      return "0." + String(repeating: "0", count: -exponent - 1) + "1"
    }
    let signs: [Character: Character] = [
      "-": "⁻", "0": "⁰", "1": "¹", "2": "²", "3": "³", "4": "⁴", "5": "⁵", "6": "⁶", "7": "⁷",
      "8": "⁸", "9": "⁹",
    ]
    return "10" + String(String(exponent).compactMap { signs[$0] })
  }
}
