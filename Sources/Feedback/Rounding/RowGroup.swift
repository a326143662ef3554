import WeightmillQuantization
import WeightmillTensors

/// Some rows of a matrix of weights side by side: `[panel of 16 rows][column][16]`.
package struct RowGroup {
  /// The rows.
  package let rows: Range<Int>
  /// A column for each row, a row for each column.
  package let weights: PanelMatrix
  /// The values, row by row.
  let values: [Float]

  /// Lays rows side by side.
  ///
  /// - Parameters:
  ///   - rows: Their numbers.
  ///   - values: The values of all of them, row by row.
  ///   - columns: How many each has.
  package init(rows: Range<Int>, values: [Float], columns: Int) {
    precondition(values.count == rows.count * columns)
    self.rows = rows
    self.values = values
    weights = PanelMatrix(rows: columns, columns: rows.count)
    let width = PanelMatrix.width
    for row in 0..<rows.count {
      let target = unsafe weights.address(panel: row / width) + row % width
      for column in 0..<columns { unsafe target[column * width] = values[row * columns + column] }
    }
  }
}
