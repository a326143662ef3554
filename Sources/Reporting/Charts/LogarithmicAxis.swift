import Tensors

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
