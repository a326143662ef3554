/// The scales and points that were chosen for a block.
struct LatticeChoice: Equatable {
  /// The block's scale, binary16; if it is 0, all values are.
  var scale: UInt16 = 0
  /// Whether a scale beyond binary16 were better.
  var overflows = false
  /// For each sub-block its four bits.
  var multipliers = [UInt8](repeating: 0, count: 16)
  /// The pattern of each point.
  var patterns = [UInt16](repeating: 0, count: 64)

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
      let place = 8 * group + value
      let level = lattice.level(patterns[place / lattice.width], place % lattice.width)
      let product = level * (block.weights[place] * block.magnitudes[place])
      if product < least { (least, turned) = (product, value) }
    }
    return signs ^ 1 << UInt8(turned)
  }
}
