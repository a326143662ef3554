import CWeightmillKernels

/// A block format whose values are points of a codebook, with signs or moved by delta.
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

/// The scales and points that were chosen for a block.
package struct LatticeChoice: Equatable {
  /// The block's scale, binary16; if it is 0, all values are.
  package var scale: UInt16 = 0
  /// Whether a scale beyond binary16 were better.
  package var overflows = false
  /// The four bits of each sub-block.
  package var multipliers = [UInt8](repeating: 0, count: 16)
  /// The pattern of each point.
  package var patterns = [UInt16](repeating: 0, count: 64)

  /// All values are 0.
  package init() {}

  /// The codebook's number of a point, and whether it is moved down.
  func point(_ group: Int, _ lattice: Lattice) -> (index: UInt16, isDown: Bool) {
    let pattern = patterns[group]
    let flag = UInt16(WEIGHTMILL_MOVED_DOWN)
    return (lattice.index(pattern & ~flag), pattern & flag != 0)
  }

  /// The stored signs of eight values: where an odd number of them must not be negative, that of the
  /// value where it costs least is turned.
  ///
  /// - Parameters:
  ///   - group: Which eight values.
  ///   - block: The values.
  ///   - lattice: The type.
  /// - Returns: A bit for each value, lowest first; set for a negative one.
  func signs(_ group: Int, _ block: LatticeBlock, _ lattice: Lattice) -> UInt8 {
    let signs = block.signs[group]
    guard lattice.hasEvenSigns, block.odd >> UInt32(group) & 1 != 0 else { return signs }
    var turned = 0
    var least = Float.infinity
    for value in 0..<8 {
      let index = 8 * group + value
      let level = lattice.level(patterns[index / lattice.width], index % lattice.width)
      let product = level * (block.weights[index] * block.magnitudes[index])
      if product < least { (least, turned) = (product, value) }
    }
    return signs ^ 1 << UInt8(turned)
  }
}
