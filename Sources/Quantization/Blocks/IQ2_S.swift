import WeightmillTensors

/// 256 values in 82 bytes: a binary16 scale `d`, low bytes of indices, signs, high bits, scales.
///
/// Eight values have a ten-bit index into a codebook of 1024 points of eight magnitudes, each value
/// a sign, 16 values a four-bit scale. `y = ((d * (0.5 + scale)) * 0.25) * magnitude`, negative
/// where the sign bit is set.
///
/// ```text
/// 82 bytes, p < 32, k < 8
///       15--------------------------------------------------------------+
/// 0     |                               d                               |  binary16
///       7---------------------------------------------------------------+
/// 2+p   |                          index[p].7-0                         |
///       7-------6-------5-------4-------3-------2-------1-------0-------+
/// 34+p  |  8p+7 |  8p+6 |  8p+5 |  8p+4 |  8p+3 |  8p+2 |  8p+1 |   8p  |  sign[…]
///       7---------------5---------------3---------------1---------------+
/// 66+k  |index[4k+3].9-8|index[4k+2].9-8|index[4k+1].9-8| index[4k].9-8 |
///       7-------------------------------3-------------------------------+
/// 74+k  |          scale[2k+1]          |           scale[2k]           |
///       +---------------------------------------------------------------+
/// ```
enum IQ2_S: LatticeFormat {
  static var type: TensorType { .iq2_S }

  private static let bytes = 82

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    unsafe Codebook.iq2_S.withPoints { points in
      for block in 0..<count {
        let source = unsafe blocks + block &* bytes
        let target = unsafe values + block &* 256
        let d = unsafe source.binary16(at: 0)
        for part in 0..<32 {
          let low = unsafe Int(source.byte(at: 2 &+ part))
          let high = unsafe Int(source.byte(at: 66 &+ part / 4)) &>> (2 &* (part % 4)) & 3
          let pair = unsafe source.byte(at: 74 &+ part / 4)
          let step = d * (0.5 + Float(part % 4 < 2 ? pair & 15 : pair >> 4)) * 0.25
          unsafe SignedPoints.decode(
            points + 8 &* (low | high << 8), step, source.byte(at: 34 &+ part), target + 8 &* part)
        }
      }
    }
  }

  static let lattice = Lattice(
    .iq2_S, width: 8, valuesPerScale: 16, unit: 0.125, hasEvenSigns: false, trials: (0.85, 1.13))

  static func pack(
    _ choice: LatticeChoice, _ block: LatticeBlock, _ bytes: UnsafeMutableRawBufferPointer
  ) {
    unsafe bytes.store(choice.scale, at: 0)
    for point in 0..<32 {
      let index = lattice.index(choice.patterns[point])
      unsafe bytes[2 + point] = UInt8(truncatingIfNeeded: index)
      unsafe bytes[34 + point] = choice.signs(point, block, lattice)
      unsafe bytes[66 + point / 4] |= UInt8(index >> 8) << UInt8(2 * (point % 4))
    }
    for pair in 0..<8 {
      unsafe bytes[74 + pair] =
        choice.multipliers[2 * pair] | choice.multipliers[2 * pair + 1] << 4
    }
  }
}
