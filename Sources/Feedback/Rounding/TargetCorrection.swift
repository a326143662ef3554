import WeightmillTensors

/// What weights should be, given what the layers before them did to their inputs.
///
/// The best weights for the written inputs X' are those with the least |W* X' - W X|²: W* = W + W M, with
/// M = (X - X') X'ᵀ (X' X'ᵀ + damping)⁻¹.
package struct TargetCorrection {
  let factor: MomentFactor
  /// X' (X - X')ᵀ.
  let cross: PanelMatrix

  /// Takes the factor of X' X'ᵀ, and X' (X - X')ᵀ.
  package init(factor: MomentFactor, cross: PanelMatrix) {
    self.factor = factor
    self.cross = cross
  }

  /// W M, for rows side by side.
  ///
  /// - Parameters:
  ///   - weights: The rows, as columns.
  ///   - product: Buffers.
  /// - Returns: A matrix like theirs.
  package func terms(of weights: PanelMatrix, _ product: inout PanelProduct) -> PanelMatrix {
    let size = factor.size
    // (W (X - X') X'ᵀ)ᵀ
    let right = PanelMatrix(rows: size, columns: weights.columns)
    product.multiply(
      LeftSide(matrix: cross, rows: 0..<size, depth: 0..<size), RightSide(weights),
      to: RightSide(right), adds: false)
    // R Y = right, from the last block on; then Rᵀ Z = Y from the first.
    for block in (0..<factor.blocks).reversed() {
      let columns = factor.columns(ofBlock: block)
      product.multiply(
        LeftSide(
          matrix: factor.matrix, rows: columns, depth: columns.upperBound..<size, sign: -1),
        RightSide(right, row: columns.upperBound), to: RightSide(right, row: columns.lowerBound),
        adds: true)
      solve(block, right, isTransposed: false, &product)
    }
    for block in 0..<factor.blocks {
      let columns = factor.columns(ofBlock: block)
      product.multiply(
        LeftSide(
          matrix: factor.matrix, rows: columns, depth: 0..<columns.lowerBound, isTransposed: true,
          sign: -1),
        RightSide(right), to: RightSide(right, row: columns.lowerBound), adds: true)
      solve(block, right, isTransposed: true, &product)
    }
    return right
  }

  /// Multiplies a block with the inverse of its triangle, in place.
  private func solve(
    _ block: Int, _ right: PanelMatrix, isTransposed: Bool, _ product: inout PanelProduct
  ) {
    let columns = factor.columns(ofBlock: block)
    let all = 0..<columns.count
    let result = PanelMatrix(rows: columns.count, columns: right.columns)
    product.multiply(
      LeftSide(
        matrix: factor.inverses[block], rows: all, depth: all, isTransposed: isTransposed),
      RightSide(right, row: columns.lowerBound), to: RightSide(result), adds: false)
    for panel in 0..<right.panels {
      unsafe right.address(panel: panel, row: columns.lowerBound).update(
        from: result.address(panel: panel), count: result.stride)
    }
  }
}
