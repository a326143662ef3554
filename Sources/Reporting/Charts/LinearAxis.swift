import Presentation
import Tensors

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
