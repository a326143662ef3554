import Testing
import WeightmillFeedback
import WeightmillTensors
import WeightmillTestSupport

/// Matrices in panels of 16 columns.
struct PanelMatrixTests {
  @Test(arguments: [(1, 1), (5, 16), (16, 17), (33, 50), (300, 7)])
  func numbersAreWhereTheyWerePut(rows: Int, columns: Int) {
    let plain = PlainMatrix.random(rows, columns, seed: 1)
    let panels = plain.panels
    #expect(panels.panels == (columns + 15) / 16)
    #expect(PlainMatrix(panels).numbers == plain.numbers)
    #expect(PlainMatrix(PanelMatrix(rows: rows, columns: columns)).norm == 0)
    for row in 0..<rows {
      for column in 0..<columns {
        let address = panels.address(panel: column / 16, row: row) + column % 16
        #expect(address.pointee == Float(plain[row, column]))
      }
    }
  }

  /// Rows and columns of a matrix of 70 x 90 that are exchanged.
  @Test(
    arguments: [
      (0..<70, 0..<90), (0..<1, 0..<16), (3..<60, 16..<90), (16..<49, 32..<33), (69..<70, 80..<90),
      (20..<20, 0..<16),
    ], [1, 2])
  func rowsAndColumnsChangePlaces(ranges: (rows: Range<Int>, columns: Range<Int>), threads: Int) {
    let plain = PlainMatrix.random(70, 90, seed: 2)
    let (rows, columns) = ranges
    for sign: Float in [1, -1] {
      let turned = plain.panels.transposed(
        rows: rows, columns: columns, sign: sign, Workers(threads: threads))
      #expect(turned.rows == columns.count && turned.columns == rows.count)
      for row in rows {
        for column in columns {
          #expect(
            turned[column - columns.lowerBound, row - rows.lowerBound]
              == sign * Float(plain[row, column]))
        }
      }
    }
  }

  @Test func rowsLieSideBySide() {
    let values = (0..<5 * 33).map { Float($0) }
    let group = RowGroup(rows: 40..<45, values: values, columns: 33)
    #expect(group.rows == 40..<45)
    #expect(group.weights.rows == 33 && group.weights.columns == 5)
    for row in 0..<5 {
      for column in 0..<33 { #expect(group.weights[column, row] == values[row * 33 + column]) }
    }
  }
}
