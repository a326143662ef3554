import WeightmillTensors

/// 256 values in 98 bytes: a binary16 scale `d`, 64 indices, then eight u32.
///
/// Four values have an index into a codebook of 256 points of four magnitudes, eight values a
/// seven-bit index of a sign pattern (`SignPatterns`), 32 values a four-bit scale.
/// `y = ((d * (0.5 + scale)) * 0.5) * magnitude`, negative where the sign bit is set.
///
/// ```text
/// 98 bytes, i < 64, g < 8
///        15--------------------------------------------------------------+
/// 0      |                               d                               |  binary16
///        7---------------------------------------------------------------+
/// 2+i    |                            index[i]                           |
///        31------27------------20------------13------------6-------------+
/// 66+4g  |   g   | signs[4g+3] | signs[4g+2] | signs[4g+1] |  signs[4g]  |  scale[…]
///        +---------------------------------------------------------------+
/// ```
enum IQ3_XXS: LatticeFormat {
  static var type: TensorType { .iq3_XXS }

  private static let bytes = 98

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    unsafe Codebook.iq3_XXS.withPoints { points in
      for block in 0..<count {
        let source = unsafe blocks + block &* bytes
        let target = unsafe values + block &* 256
        let d = unsafe source.binary16(at: 0)
        for group in 0..<8 {
          let indices = unsafe source + (2 &+ 8 &* group)
          let packed = unsafe source.word32(at: 66 &+ 4 &* group)
          let step = d * (0.5 + Float(packed >> 28)) * 0.5
          for part in 0..<4 {
            let signs = SignPatterns.signs(packed &>> UInt32(truncatingIfNeeded: 7 &* part))
            unsafe SignedPoints.decode(
              points + 4 &* Int(indices.byte(at: 2 &* part)),
              points + 4 &* Int(indices.byte(at: 2 &* part &+ 1)), step, signs,
              target + (32 &* group &+ 8 &* part))
          }
        }
      }
    }
  }

  static let lattice = Lattice(
    .iq3_XXS, width: 4, valuesPerScale: 32, unit: 0.25, hasEvenSigns: true, trials: (1.15, 1.09))

  static func pack(
    _ choice: LatticeChoice, _ block: LatticeBlock, _ bytes: UnsafeMutableRawBufferPointer
  ) {
    unsafe bytes.store(choice.scale, at: 0)
    for index in 0..<64 {
      unsafe bytes[2 + index] = UInt8(lattice.index(choice.patterns[index]))
    }
    for group in 0..<8 {
      var packed = UInt32(choice.multipliers[group]) << 28
      for part in 0..<4 {
        let signs = choice.signs(4 * group + part, block, lattice) & 0x7F
        packed |= UInt32(signs) << UInt32(7 * part)
      }
      unsafe bytes.store(packed, at: 66 + 4 * group)
    }
  }
}
