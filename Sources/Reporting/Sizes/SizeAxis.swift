import WeightmillPresentation
import WeightmillTensors

/// A linear axis of sizes in bytes, between round numbers.
struct SizeAxis: Axis {
  private let first: Double
  private let step: Double
  private let steps: Int

  /// Makes an axis.
  ///
  /// - Parameter sizes: What will be drawn, in bytes.
  init(_ sizes: [Int]) {
    let low = Double(max(0, sizes.min() ?? 0))
    let high = max(Double(sizes.max() ?? 0), low + 1)
    // The smallest of 1, 2, 5, 10, … that needs about six steps.
    let wanted = (high - low) / 6
    let exponent = (Elementary.logarithm(wanted) / Elementary.logarithm(10)).rounded(.down)
    let power = Elementary.power(10, exponent)
    let step = max(1, [1.0, 2, 5].map { $0 * power }.first { $0 >= wanted } ?? 10 * power)
    self.step = step
    first = (low / step).rounded(.down) * step
    steps = max(1, Int(((high - first) / step).rounded(.up)))
  }

  var ticks: [Tick] {
    let last = first + Double(steps) * step
    let units: [(name: String, size: Double)] = [
      ("B", 1), ("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12),
    ]
    let unit = units.last { last >= $0.size } ?? units[0]
    // As many decimals as it takes to tell one mark from the next.
    var decimals = 0
    var scaled = step / unit.size
    while scaled < 1 - 1e-9, decimals < 6 {
      scaled *= 10
      decimals += 1
    }
    return (0...steps).map { number in
      let value = (first + Double(number) * step) / unit.size
      return Tick(
        position: Double(number) / Double(steps),
        label: "\(Text.fixed(value, decimals)) \(unit.name)")
    }
  }

  func position(_ value: Double) -> Double {
    min(max((value - first) / (step * Double(steps)), 0), 1)
  }
}
