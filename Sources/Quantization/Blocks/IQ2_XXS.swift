import WeightmillTensors

/// 256 values in 66 bytes: a binary16 scale `d`, then eight times four indices and a u32.
///
/// Eight values have an index into a codebook of 256 points of eight magnitudes, and a seven-bit
/// index of a sign pattern (`SignPatterns`); 32 values have a four-bit scale.
/// `y = ((d * (0.5 + scale)) * 0.25) * magnitude`, negative where the sign bit is set.
///
/// ```text
/// 66 bytes, g < 8, k < 4
///         15--------------------------------------------------------------+
/// 0       |                               d                               |  binary16
///         7---------------------------------------------------------------+
/// 2+8g+k  |                          index[4g+k]                          |
///         31------27------------20------------13------------6-------------+
/// 6+8g    |   g   | signs[4g+3] | signs[4g+2] | signs[4g+1] |  signs[4g]  |  scale[…]
///         +---------------------------------------------------------------+
/// ```
enum IQ2_XXS: LatticeFormat {
  static var type: TensorType { .iq2_XXS }

  private static let bytes = 66

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    unsafe Codebook.iq2_XXS.withPoints { points in
      for block in 0..<count {
        let source = unsafe blocks + block &* bytes
        let target = unsafe values + block &* 256
        let d = unsafe source.binary16(at: 0)
        for group in 0..<8 {
          let indices = unsafe source + (2 &+ 8 &* group)
          let packed = unsafe indices.word32(at: 4)
          let step = d * (0.5 + Float(packed >> 28)) * 0.25
          for part in 0..<4 {
            let signs = SignPatterns.signs(packed &>> UInt32(truncatingIfNeeded: 7 &* part))
            unsafe SignedPoints.decode(
              points + 8 &* Int(indices.byte(at: part)), step, signs,
              target + (32 &* group &+ 8 &* part))
          }
        }
      }
    }
  }

  static let lattice = Lattice(
    .iq2_XXS, width: 8, valuesPerScale: 32, unit: 0.125, hasEvenSigns: true, trials: (0.85, 1.13))

  static func pack(
    _ choice: LatticeChoice, _ block: LatticeBlock, _ bytes: UnsafeMutableRawBufferPointer
  ) {
    unsafe bytes.store(choice.scale, at: 0)
    for group in 0..<8 {
      var packed = UInt32(choice.multipliers[group]) << 28
      for part in 0..<4 {
        let index = 4 * group + part
        unsafe bytes[2 + 8 * group + part] = UInt8(lattice.index(choice.patterns[index]))
        packed |= UInt32(choice.signs(index, block, lattice) & 0x7F) << UInt32(7 * part)
      }
      unsafe bytes.store(packed, at: 6 + 8 * group)
    }
  }
}
