import WeightmillConversion
package import WeightmillTensors

/// How far a model's predictions move when each of its matrices has some type.
///
/// The divergence of small errors is of second order in them, and errors of different matrices hardly know of
/// each other: so it is the sum of what each does alone, and that goes with the squared error of the matrix's
/// products. How far both hold for all matrices together is told by the model in one type each: the measured
/// divergence over the sum is a power of the sum, fitted by least squares.
package struct DivergenceModel: Sendable {
  /// What was measured.
  package let sensitivities: Sensitivities
  /// ln(measured over sum) is `offset` + `slope` ln(sum).
  private let offset: Double
  private let slope: Double
  private let matrices: [TensorName: Sensitivities.Matrix]

  /// Makes a model of measurements.
  ///
  /// - Parameter sensitivities: All of them.
  package init(_ sensitivities: Sensitivities) {
    self.sensitivities = sensitivities
    matrices = Dictionary(
      sensitivities.matrices.map { (TensorName($0.name), $0) }, uniquingKeysWith: { a, _ in a })
    var points: [(x: Double, y: Double)] = []
    for uniform in sensitivities.uniform {
      var sum = 0.0
      for matrix in sensitivities.matrices {
        sum += Self.damage(of: matrix, in: uniform.type, orFittingOne: true) ?? .nan
      }
      guard sum > 0, uniform.divergence > 0 else { continue }
      points.append(
        (Elementary.logarithm(sum), Elementary.logarithm(uniform.divergence / sum)))
    }
    (offset, slope) = Self.line(points)
  }

  private static func line(_ points: [(x: Double, y: Double)]) -> (offset: Double, slope: Double) {
    let count = Double(points.count)
    guard count > 0 else { return (0, 0) }
    let x = points.reduce(0) { $0 + $1.x } / count
    let y = points.reduce(0) { $0 + $1.y } / count
    let square = points.reduce(0) { $0 + ($1.x - x) * ($1.x - x) }
    // Of one point, or several in one place, no slope can be told.
    guard square > 1e-6 else { return (y, 0) }
    let slope = points.reduce(0) { $0 + ($1.x - x) * ($1.y - y) } / square
    return (y - slope * x, slope)
  }

  /// A matrix by its name in GGUF files.
  package subscript(_ name: String) -> Sensitivities.Matrix? { matrices[TensorName(name)] }

  /// The divergence that a matrix alone makes in a type, in nats.
  ///
  /// - Parameters:
  ///   - matrix: The matrix.
  ///   - type: The type; of one that keeps numbers one by one it is 0 unless it was measured.
  /// - Returns: The divergence; `nil` if it is not known.
  package static func damage(of matrix: Sensitivities.Matrix, in type: TensorType) -> Double? {
    guard let error = matrix.errors[type] else { return type.isFloat ? 0 : nil }
    guard let divergence = matrix.divergence, let probe = matrix.errors[matrix.probe], probe > 0
    else { return error == 0 ? 0 : nil }
    return divergence * error / probe
  }

  /// The same of a type, or of that which fits the rows in its place.
  private static func damage(
    of matrix: Sensitivities.Matrix, in type: TensorType, orFittingOne: Bool
  ) -> Double? {
    FittingType(type, columns: matrix.columns).flatMap { damage(of: matrix, in: $0.type) }
  }

  /// The divergence of all matrices together.
  ///
  /// - Parameter sum: The sum of what each alone makes.
  /// - Returns: What is expected, in nats.
  package func divergence(ofSum sum: Double) -> Double {
    guard sum > 0 else { return 0 }
    return sum * Elementary.exponential(offset + slope * Elementary.logarithm(sum))
  }
}
