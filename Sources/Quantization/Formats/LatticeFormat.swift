/// A block format whose values are signed points of a codebook.
protocol LatticeFormat: BlockFormat {
  /// Codebook, levels and scales.
  static var lattice: Lattice { get }

  /// Writes a block.
  ///
  /// - Parameters:
  ///   - choice: Scales and points; the block's scale is not 0.
  ///   - block: The values.
  ///   - bytes: The block's bytes, all 0.
  static func pack(
    _ choice: LatticeChoice, _ block: LatticeBlock, _ bytes: UnsafeMutableRawBufferPointer)
}
