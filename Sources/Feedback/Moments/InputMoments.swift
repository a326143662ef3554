package import WeightmillLLaMA
package import WeightmillTensors

/// Second moments of what text sends into matrices that share an input.
///
/// X are the inputs of the model itself, X' those behind the layers that are written by now. Sums over tokens:
/// X' X'ᵀ, by which errors are carried, and X' (X - X')ᵀ, by which weights are corrected. Binary32: 256 tokens
/// are summed in one chain of fused multiply-adds, and the sums of such groups are added in their order.
package final class InputMoments: Sendable {
  /// X' X'ᵀ.
  package let written: PanelMatrix
  /// X' (X - X')ᵀ.
  package let cross: PanelMatrix
  private let workers: Workers

  /// The number of inputs of a matrix.
  package var size: Int { written.rows }

  /// Makes sums of nothing.
  package init(size: Int, _ workers: Workers) {
    written = PanelMatrix(rows: size, columns: size)
    cross = PanelMatrix(rows: size, columns: size)
    self.workers = workers
  }

  /// Adds vectors.
  ///
  /// - Parameters:
  ///   - reference: The model's own inputs.
  ///   - written: Those behind the layers that are written, of the same tokens.
  package func add(reference: Activations, written: Activations) {
    precondition(reference.rows == written.rows && written.columns == size)
    let inputs = PanelMatrix(written)
    let (features, tokens) = (0..<size, 0..<written.rows)
    let own = inputs.transposed(rows: features, columns: tokens, workers)
    let lost = PanelMatrix(reference).transposed(rows: features, columns: tokens, workers)
    subtract(own, from: lost)
    let tile = PanelProduct.tile
    workers.forEach((size + tile - 1) / tile, scratch: { PanelProduct() }) { (number, product) in
      let rows = number * tile..<min((number + 1) * tile, size)
      let left = LeftSide(matrix: inputs, rows: rows, depth: tokens)
      // From the diagonal on: the other half is the same.
      let panels = rows.lowerBound / PanelMatrix.width..<own.panels
      product.multiply(
        left, RightSide(own, panels: panels),
        to: RightSide(self.written, row: rows.lowerBound, panels: panels), adds: true)
      product.multiply(
        left, RightSide(lost), to: RightSide(cross, row: rows.lowerBound), adds: true)
    }
  }

  private func subtract(_ term: PanelMatrix, from matrix: PanelMatrix) {
    workers.forEach(matrix.panels, scratch: {}) { (panel, _) in
      let (to, from) = unsafe (matrix.address(panel: panel), term.address(panel: panel))
      for index in 0..<matrix.stride { unsafe to[index] -= from[index] }
    }
  }

  /// The diagonal of X' X'ᵀ; copies its upper triangle to the lower one.
  package func finish() -> [Float] {
    let width = PanelMatrix.width
    workers.forEach(size, scratch: {}) { (row, _) in
      for column in 0..<row {
        let value = unsafe self.written.address(panel: row / width, row: column)[row % width]
        unsafe self.written.address(panel: column / width, row: row)[column % width] = value
      }
    }
    return (0..<size).map { written[$0, $0] }
  }
}
