import Testing
import WeightmillFeedback
import WeightmillTestSupport

/// Products of panel matrices against plain loops: of binary64, and of the documented chains.
struct PanelProductTests {
  /// What is multiplied: rows and depth of the left matrix, the right matrix' first row and panels.
  struct Case: CustomTestStringConvertible {
    let rows: Range<Int>
    let depth: Range<Int>
    var rightRow = 0
    /// Of the right matrix, which has 5 panels, the last one with 3 columns.
    var panels = 0..<5
    /// Where the products go in a target of 400 rows and 6 panels.
    var targetRow = 0
    var targetPanel = 0
    var testDescription: String {
      "rows \(rows), depth \(depth), right from \(rightRow), panels \(panels), "
        + "to row \(targetRow), panel \(targetPanel)"
    }
  }

  private static let cases = [
    Case(rows: 0..<1, depth: 0..<1), Case(rows: 0..<16, depth: 0..<16),
    Case(rows: 16..<30, depth: 16..<55, rightRow: 9),
    Case(rows: 48..<61, depth: 0..<255, panels: 1..<2, targetRow: 5, targetPanel: 5),
    Case(rows: 0..<192, depth: 0..<256, panels: 4..<5),
    Case(rows: 0..<193, depth: 32..<289, rightRow: 1, panels: 2..<5, targetRow: 1),
    Case(rows: 32..<391, depth: 16..<600, rightRow: 0, targetRow: 3, targetPanel: 1),
    Case(rows: 64..<400, depth: 592..<600, rightRow: 576, panels: 0..<2),
    Case(rows: 0..<20, depth: 0..<0), Case(rows: 0..<20, depth: 0..<40, panels: 2..<2),
  ]
  private static let depth = 600
  private static let (rightColumns, targetRows, targetColumns) = (67, 400, 96)

  /// A sum as `PanelProduct` documents it: chains of 256 fused multiply-adds, and their sums in order.
  private func chains(_ left: [Float], _ right: [Float], from start: Float?) -> Float {
    var total = start
    for first in stride(from: 0, to: left.count, by: 256) {
      var sum: Float = 0
      for k in first..<min(first + 256, left.count) { sum.addProduct(left[k], right[k]) }
      total = total.map { $0 + sum } ?? sum
    }
    return total ?? 0
  }

  @Test(arguments: cases, [(false, false), (false, true), (true, false), (true, true)])
  private func productsAreThoseOfPlainLoops(
    sample: Case, form: (isTransposed: Bool, adds: Bool)
  ) {
    let left = PlainMatrix.random(400, Self.depth, seed: 11)
    let right = PlainMatrix.random(Self.depth, Self.rightColumns, seed: 12)
    let before = PlainMatrix.random(Self.targetRows, Self.targetColumns, seed: 13)
    let matrices = ((form.isTransposed ? left.transposed : left).panels, right.panels)
    var product = PanelProduct()
    for sign: Float in [1, -1] {
      let target = before.panels
      product.multiply(
        LeftSide(
          matrix: matrices.0, rows: sample.rows, depth: sample.depth,
          isTransposed: form.isTransposed, sign: sign),
        RightSide(matrices.1, row: sample.rightRow, panels: sample.panels),
        to: RightSide(
          target, row: sample.targetRow,
          panels: sample.targetPanel..<sample.targetPanel + sample.panels.count), adds: form.adds)
      check(target, sample, left, right, before, sign: sign, adds: form.adds)
    }
  }

  private func check(
    _ target: PanelMatrix, _ sample: Case, _ left: PlainMatrix, _ right: PlainMatrix,
    _ before: PlainMatrix, sign: Float, adds: Bool
  ) {
    var (wrong, far, touched) = (0, 0, 0)
    for row in 0..<target.rows {
      for column in 0..<target.columns {
        let found = target[row, column]
        let from = row - sample.targetRow + sample.rows.lowerBound
        let to = column + 16 * (sample.panels.lowerBound - sample.targetPanel)
        guard sample.rows.contains(from), from >= sample.rows.lowerBound, row >= sample.targetRow,
          to >= 16 * sample.panels.lowerBound, to < 16 * sample.panels.upperBound
        else {
          if Double(found) != before[row, column] { touched += 1 }
          continue
        }
        // What a matrix' last panel has too many is of no use.
        guard to < right.columns else { continue }
        let first = sample.depth.map { sign * Float(left[from, $0]) }
        let second = sample.depth.map {
          Float(right[$0 - sample.depth.lowerBound + sample.rightRow, to])
        }
        let start = adds ? Float(before[row, column]) : nil
        if found.bitPattern != chains(first, second, from: start).bitPattern { wrong += 1 }
        let terms = zip(first, second).map { Double($0) * Double($1) }
        let exact = terms.reduce(adds ? before[row, column] : 0, +)
        let size = terms.reduce(abs(adds ? before[row, column] : 0)) { $0 + abs($1) }
        if abs(Double(found) - exact) > 64 * 0x1p-24 * size { far += 1 }
      }
    }
    #expect(wrong == 0 && far == 0 && touched == 0)
  }

  /// A tile's target may be what the tile is made of.
  @Test func aTileMayBeReplacedByItsProduct() {
    let left = PlainMatrix.random(192, 256, seed: 14)
    let right = PlainMatrix.random(256, 256, seed: 15)
    let (own, other) = (left.panels, PanelMatrix(rows: 192, columns: 256))
    var product = PanelProduct()
    for target in [other, own] {
      product.multiply(
        LeftSide(matrix: own, rows: 0..<192, depth: 0..<256), RightSide(right.panels),
        to: RightSide(target), adds: false)
    }
    #expect(own.bits == other.bits)
  }
}
