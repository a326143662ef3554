/// Where the values of a chart lie along one of its sides, from 0 to 1.
protocol Axis {
  /// The marks along it.
  var ticks: [Tick] { get }

  /// A value's position: 0 for what is below the axis, 1 for what is above.
  func position(_ value: Double) -> Double
}

/// A mark on an axis.
struct Tick: Equatable {
  /// From 0 to 1.
  let position: Double
  /// What stands beside it.
  let label: String
}
