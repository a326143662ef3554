import WeightmillTensors

/// 256 values in 74 bytes: a binary16 scale `d`, 32 u16, eight bytes of scales.
///
/// Eight values have a nine-bit index into a codebook of 512 points of eight magnitudes, and a
/// seven-bit index of a sign pattern (`SignPatterns`); 16 values have a four-bit scale.
/// `y = ((d * (0.5 + scale)) * 0.25) * magnitude`, negative where the sign bit is set.
///
/// ```text
/// 74 bytes, p < 32, k < 8
///       15--------------------------------------------------------------+
/// 0     |                               d                               |  binary16
///       15--------------------------8-----------------------------------+
/// 2+2p  |          signs[p]         |              index[p]             |
///       7-------------------------------3-------------------------------+
/// 66+k  |          scale[2k+1]          |           scale[2k]           |
///       +---------------------------------------------------------------+
/// ```
enum IQ2_XS: LatticeFormat {
  static var type: TensorType { .iq2_XS }

  private static let bytes = 74

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    unsafe Codebook.iq2_XS.withPoints { points in
      for block in 0..<count {
        let source = unsafe blocks + block &* bytes
        let target = unsafe values + block &* 256
        let d = unsafe source.binary16(at: 0)
        for part in 0..<32 {
          let packed = unsafe source.word16(at: 2 &+ 2 &* part)
          let pair = unsafe source.byte(at: 66 &+ part / 4)
          let step = d * (0.5 + Float(part % 4 < 2 ? pair & 15 : pair >> 4)) * 0.25
          unsafe SignedPoints.decode(
            points + 8 &* Int(packed & 511), step, SignPatterns.signs(UInt32(packed >> 9)),
            target + 8 &* part)
        }
      }
    }
  }

  static let lattice = Lattice(
    .iq2_XS, width: 8, valuesPerScale: 16, unit: 0.125, hasEvenSigns: true, trials: (0.85, 1.13))

  static func pack(
    _ choice: LatticeChoice, _ block: LatticeBlock, _ bytes: UnsafeMutableRawBufferPointer
  ) {
    unsafe bytes.store(choice.scale, at: 0)
    for index in 0..<32 {
      let signs = UInt16(choice.signs(index, block, lattice) & 0x7F)
      unsafe bytes.store(lattice.index(choice.patterns[index]) | signs << 9, at: 2 + 2 * index)
    }
    for pair in 0..<8 {
      unsafe bytes[66 + pair] =
        choice.multipliers[2 * pair] | choice.multipliers[2 * pair + 1] << 4
    }
  }
}
