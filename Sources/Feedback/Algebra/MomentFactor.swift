package import WeightmillTensors

/// The factor R of a matrix of second moments: H + damping = R Rᵀ, with R upper triangular.
///
/// Columns of a matrix of weights are rounded from the first to the last. What rounding costs is
/// tr(E H Eᵀ) = |E R|² for the errors E, of which column k gives (E_k R_kk + sum over j < k of E_j R_jk)².
/// So the errors of earlier columns are made up for in column k by adding sum E_j R_jk / R_kk to it, and R_kk²
/// is what is left to lose there. This is GPTQ's recursion (Frantar et al., arXiv 2210.17323) in the form of
/// LDLQ (Chee et al., arXiv 2307.13304), which needs no inverse.
package final class MomentFactor: Sendable {
  /// How many columns are factored together.
  package static let block = PanelProduct.group

  /// R in its upper triangle; below it lie the moments.
  package let matrix: PanelMatrix
  /// The diagonal of R.
  package let diagonal: [Float]
  /// What was added to the moments' diagonal.
  package let damping: Float
  /// For each block of 256 columns the inverse of its triangle.
  package let inverses: [PanelMatrix]

  /// The size of the moments.
  package var size: Int { matrix.rows }

  /// The number of blocks.
  package var blocks: Int { (size + Self.block - 1) / Self.block }

  /// The columns of a block.
  package func columns(ofBlock block: Int) -> Range<Int> {
    block * Self.block..<min((block + 1) * Self.block, size)
  }

  /// Factors moments in place.
  ///
  /// - Parameters:
  ///   - moments: A symmetric matrix whose lower triangle is used, and kept; the upper one is overwritten.
  ///   - diagonalOfMoments: Its diagonal, which is overwritten.
  ///   - damping: What is added to the diagonal; above 0.
  ///   - workers: The threads.
  package init(
    _ moments: PanelMatrix, diagonal diagonalOfMoments: [Float], damping: Float, _ workers: Workers
  ) {
    matrix = moments
    self.damping = damping
    let size = moments.rows
    Self.restore(moments, diagonalOfMoments, damping, workers)
    var diagonal = [Float](repeating: 0, count: size)
    var inverses: [PanelMatrix] = []
    let last = (size + Self.block - 1) / Self.block
    for block in (0..<last).reversed() {
      let columns = block * Self.block..<min((block + 1) * Self.block, size)
      let triangle = Triangle(moments, columns, damping: Double(damping))
      triangle.store(to: moments, columns)
      for (index, column) in columns.enumerated() { diagonal[column] = triangle.diagonal(index) }
      let inverse = triangle.inverse()
      inverses.insert(inverse, at: 0)
      Self.eliminate(moments, columns, inverse, workers)
    }
    self.diagonal = diagonal
    self.inverses = inverses
  }

  /// Copies the lower triangle over the upper one, and puts the damped diagonal between them.
  private static func restore(
    _ moments: PanelMatrix, _ diagonal: [Float], _ damping: Float, _ workers: Workers
  ) {
    let width = PanelMatrix.width
    workers.forEach(moments.panels, scratch: {}) { (panel, _) in
      // Of rows above this panel's columns: what lies in the panels of those rows, below the diagonal.
      for lane in 0..<min(width, moments.columns - panel * width) {
        let column = panel * width + lane
        for row in 0..<column {
          let value = unsafe moments.address(panel: row / width, row: column)[row % width]
          unsafe moments.address(panel: panel, row: row)[lane] = value
        }
        unsafe moments.address(panel: panel, row: column)[lane] = diagonal[column] + damping
      }
    }
  }

  /// Takes a block out of what is left: R beside its triangle, and the moments without it.
  private static func eliminate(
    _ moments: PanelMatrix, _ columns: Range<Int>, _ inverse: PanelMatrix, _ workers: Workers
  ) {
    let above = columns.lowerBound
    guard above > 0 else { return }
    let width = PanelMatrix.width
    // R beside the triangle is what the moments have there, times the transposed inverse.
    let all = 0..<columns.count
    let turned = inverse.transposed(rows: all, columns: all, workers)
    let panels = columns.lowerBound / width..<(columns.upperBound + width - 1) / width
    let tile = PanelProduct.tile
    workers.forEach((above + tile - 1) / tile, scratch: { PanelProduct() }) { (number, product) in
      let rows = number * tile..<min((number + 1) * tile, above)
      product.multiply(
        LeftSide(matrix: moments, rows: rows, depth: columns), RightSide(turned),
        to: RightSide(moments, row: rows.lowerBound, panels: panels), adds: false)
    }
    let beside = moments.transposed(rows: 0..<above, columns: columns, workers)
    workers.forEach(
      (above + tile - 1) / tile,
      scratch: { (PanelProduct(), PanelMatrix(rows: tile, columns: tile)) }
    ) { (number, scratch) in
      let rows = number * tile..<min((number + 1) * tile, above)
      let left = LeftSide(matrix: moments, rows: rows, depth: columns, sign: -1)
      let (first, end) = (rows.lowerBound / width, (rows.upperBound + width - 1) / width)
      let behind = end..<above / width
      scratch.0.multiply(
        left, RightSide(beside, panels: behind),
        to: RightSide(moments, row: rows.lowerBound, panels: behind), adds: true)
      // Around the diagonal the lower triangle stays as it is.
      let corner = scratch.1
      scratch.0.multiply(
        left, RightSide(beside, panels: first..<end),
        to: RightSide(corner, panels: 0..<end - first), adds: false)
      for row in 0..<rows.count {
        for column in row..<rows.count {
          moments[rows.lowerBound + row, rows.lowerBound + column] += corner[row, column]
        }
      }
    }
  }
}
