import CWeightmillKernels
import WeightmillTensors

/// The left side of a product: some rows, and some columns of them that are multiplied and added.
package struct LeftSide {
  /// Whose numbers they are.
  let matrix: PanelMatrix
  /// The rows of the left side.
  let rows: Range<Int>
  /// The columns of the left side, as many as the right side has rows; begin where a panel does, as rows do
  /// if `isTransposed`.
  let depth: Range<Int>
  /// Whether rows of the left side are columns of the matrix.
  var isTransposed = false
  /// What the products are multiplied by: 1 or -1.
  var sign: Float = 1

  /// Takes rows and columns.
  package init(
    matrix: PanelMatrix, rows: Range<Int>, depth: Range<Int>, isTransposed: Bool = false,
    sign: Float = 1
  ) {
    self.matrix = matrix
    self.rows = rows
    self.depth = depth
    self.isTransposed = isTransposed
    self.sign = sign
  }
}

/// The right side of a product, or where one goes: panels of columns.
package struct RightSide {
  /// The matrix.
  let matrix: PanelMatrix
  /// The first row.
  let row: Int
  /// The panels.
  let panels: Range<Int>

  /// Takes all panels, or some, from a row on.
  package init(_ matrix: PanelMatrix, row: Int = 0, panels: Range<Int>? = nil) {
    self.matrix = matrix
    self.row = row
    self.panels = panels ?? 0..<matrix.panels
  }

  var base: UnsafeMutablePointer<Float> {
    unsafe matrix.address(panel: panels.lowerBound, row: row)
  }
}

/// One thread's buffers for products of panel matrices in binary32.
///
/// `target = left * right`, or added to it. A chain of fused multiply-adds takes 256 columns of the left
/// side in order, beginning at +0; the sums of such groups are added in order, so that the bits depend on
/// nothing else. The left side is packed 256 columns at a time and stays in the second cache.
package struct PanelProduct {
  /// How many columns are packed at a time.
  package static let group = Int(WEIGHTMILL_GROUP)
  /// How many rows are packed at a time: the largest tile.
  package static let tile = 192

  private let mode: weightmill_mode
  private let height: Int
  private var gathered: [Float]
  private var packed: [Float]

  /// Makes room.
  package init() {
    mode = weightmill_mode(level: weightmill_forward_level(), is_double: 0)
    height = weightmill_block_rows(mode)
    gathered = [Float](repeating: 0, count: height * Self.group)
    packed = [Float](
      repeating: 0, count: (Self.tile + height - 1) / height * height * Self.group)
  }

  /// Multiplies.
  ///
  /// - Parameters:
  ///   - left: The left side.
  ///   - right: The right side, of as many rows as the left side has columns.
  ///   - target: Where the products go: from its row on, as many rows as the left side. May be what the left
  ///     side is made of if that has at most 192 rows and 256 columns.
  ///   - adds: Whether they are added to what is there.
  package mutating func multiply(
    _ left: LeftSide, _ right: RightSide, to target: RightSide, adds: Bool
  ) {
    precondition(right.panels.count == target.panels.count)
    precondition(right.row + left.depth.count <= right.matrix.rows)
    precondition(target.row + left.rows.count <= target.matrix.rows)
    guard !left.depth.isEmpty else {
      if !adds { clear(target, rows: left.rows.count) }
      return
    }
    for first in stride(from: left.rows.lowerBound, to: left.rows.upperBound, by: Self.tile) {
      let rows = first..<min(first + Self.tile, left.rows.upperBound)
      for start in stride(from: left.depth.lowerBound, to: left.depth.upperBound, by: Self.group) {
        let depth = start..<min(start + Self.group, left.depth.upperBound)
        pack(left, rows, depth)
        let offset = (start - left.depth.lowerBound) * PanelMatrix.width
        let to = (first - left.rows.lowerBound) * PanelMatrix.width
        unsafe packed.withUnsafeBufferPointer { weights in
          guard let base = weights.baseAddress else { return }
          unsafe weightmill_products(
            mode, base, height * Self.group, rows.count, depth.count, right.base + offset,
            right.matrix.stride, right.panels.count, target.base + to, target.matrix.stride,
            adds || start > left.depth.lowerBound ? 1 : 0)
        }
      }
    }
  }

  private func clear(_ target: RightSide, rows: Int) {
    for panel in 0..<target.panels.count {
      let base = unsafe target.base + panel * target.matrix.stride
      unsafe base.update(repeating: 0, count: rows * PanelMatrix.width)
    }
  }

  /// Lays the numbers of a tile side by side: blocks of `height` rows, `[column][row]`.
  private mutating func pack(_ left: LeftSide, _ rows: Range<Int>, _ depth: Range<Int>) {
    left.isTransposed ? packColumns(left, rows, depth) : packRows(left, rows, depth)
  }

  private mutating func packRows(_ left: LeftSide, _ rows: Range<Int>, _ depth: Range<Int>) {
    unsafe gathered.withUnsafeMutableBufferPointer { gathered in
      unsafe packed.withUnsafeMutableBufferPointer { packed in
        guard let from = gathered.baseAddress, let to = packed.baseAddress else { return }
        for first in stride(from: rows.lowerBound, to: rows.upperBound, by: height) {
          let count = min(height, rows.upperBound - first)
          for row in 0..<count {
            let target = unsafe from + row * Self.group
            unsafe left.matrix.copy(row: first + row, columns: depth, to: target)
            if left.sign < 0 {
              for column in 0..<depth.count { unsafe target[column] = -target[column] }
            }
          }
          unsafe weightmill_pack(
            mode, from, Self.group, count, depth.count, height,
            to + (first - rows.lowerBound) * Self.group)
        }
      }
    }
  }

  private mutating func packColumns(_ left: LeftSide, _ rows: Range<Int>, _ depth: Range<Int>) {
    let width = PanelMatrix.width
    unsafe packed.withUnsafeMutableBufferPointer { packed in
      guard let to = packed.baseAddress else { return }
      for first in stride(from: rows.lowerBound, to: rows.upperBound, by: height) {
        let count = min(height, rows.upperBound - first)
        let block = unsafe to + (first - rows.lowerBound) * Self.group
        for (number, column) in depth.enumerated() {
          let target = unsafe block + number * height
          var row = first
          while row < first + count {
            let end = min(first + count, (row / width + 1) * width)
            let from = unsafe left.matrix.address(panel: row / width, row: column) + row % width
            for index in 0..<end - row {
              unsafe target[row - first + index] = left.sign * from[index]
            }
            row = end
          }
          for missing in count..<height { unsafe target[missing] = 0 }
        }
      }
    }
  }
}
