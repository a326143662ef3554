import WeightmillLLaMA
import WeightmillTensors

/// Some rows of a tensor, to be compared with as many of another.
struct RowSet {
  /// The indices of the rows.
  let rows: [Int]
  private let values: [[Float]]

  /// Reads rows.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - role: The tensor, which must be there.
  ///   - rows: The rows, within the tensor.
  /// - Throws: The errors of reading.
  init(_ model: ModelRows, _ role: TensorRole, rows: [Int]) throws(WeightmillError) {
    self.rows = rows
    var values: [[Float]] = []
    for row in rows { values.append(try model.row(row, of: role)) }
    self.values = values
  }

  /// ‖these − factor · others‖ / ‖factor · others‖.
  func error(from other: RowSet, times factor: Double = 1) -> Double {
    var (error, energy) = (0.0, 0.0)
    for (ours, theirs) in zip(values, other.values) where ours.count == theirs.count {
      for (our, their) in zip(ours, theirs) {
        let expected = factor * Double(their)
        error += (Double(our) - expected) * (Double(our) - expected)
        energy += expected * expected
      }
    }
    return energy > 0 ? (error / energy).squareRoot() : .infinity
  }

  /// The factor by which other rows come nearest to these; `nil` when they have no likeness.
  func factor(of other: RowSet) -> Double? {
    var (product, energy) = (0.0, 0.0)
    for (ours, theirs) in zip(values, other.values) where ours.count == theirs.count {
      for (our, their) in zip(ours, theirs) {
        product += Double(our) * Double(their)
        energy += Double(their) * Double(their)
      }
    }
    let factor = product / energy
    return factor.isFinite && abs(factor) > 1e-6 ? factor : nil
  }

  /// Whether these rows are columns of a square matrix of which the others are rows, as far as the
  /// values tell that lie in both.
  func isTransposed(of other: RowSet, bound: Double) -> Bool {
    guard rows == other.rows, rows.count > 3 else { return false }
    var (error, energy) = (0.0, 0.0)
    for (index, row) in rows.enumerated() {
      for (otherIndex, column) in rows.enumerated() where row != column {
        guard values[index].indices.contains(column),
          other.values[otherIndex].indices.contains(row)
        else { return false }
        let (our, their) = (Double(values[index][column]), Double(other.values[otherIndex][row]))
        error += (our - their) * (our - their)
        energy += their * their
      }
    }
    return error <= bound * bound * energy && energy > 0
  }
}
