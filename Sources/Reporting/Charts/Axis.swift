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
