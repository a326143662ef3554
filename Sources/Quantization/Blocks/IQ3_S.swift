import WeightmillTensors

/// 256 values in 110 bytes: a binary16 scale `d`, low bytes of indices, high bits, signs, scales.
///
/// Four values have a nine-bit index into a codebook of 512 points of four magnitudes, each value a
/// sign, 32 values a four-bit scale. `y = (d * (1 + 2 * scale)) * magnitude`, negative where the
/// sign bit is set.
///
/// ```text
/// 110 bytes, i < 64, k < 8, p < 32, n < 4
///        15--------------------------------------------------------------+
/// 0      |                               d                               |  binary16
///        7---------------------------------------------------------------+
/// 2+i    |                          index[i].7-0                         |
///        7-------6-------5-------4-------3-------2-------1-------0-------+
/// 66+k   |  8k+7 |  8k+6 |  8k+5 |  8k+4 |  8k+3 |  8k+2 |  8k+1 |   8k  |  index[…].8
///        7-------6-------5-------4-------3-------2-------1-------0-------+
/// 74+p   |  8p+7 |  8p+6 |  8p+5 |  8p+4 |  8p+3 |  8p+2 |  8p+1 |   8p  |  sign[…]
///        7-------------------------------3-------------------------------+
/// 106+n  |          scale[2n+1]          |           scale[2n]           |
///        +---------------------------------------------------------------+
/// ```
enum IQ3_S: LatticeFormat {
  static var type: TensorType { .iq3_S }

  private static let bytes = 110

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    unsafe Codebook.iq3_S.withPoints { points in
      for block in 0..<count {
        let source = unsafe blocks + block &* bytes
        let target = unsafe values + block &* 256
        let d = unsafe source.binary16(at: 0)
        for part in 0..<32 {
          let high = unsafe Int(source.byte(at: 66 &+ part / 4)) &>> (2 &* (part % 4))
          let first = unsafe Int(source.byte(at: 2 &+ 2 &* part)) | (high & 1) << 8
          let second = unsafe Int(source.byte(at: 3 &+ 2 &* part)) | (high & 2) << 7
          let pair = unsafe Int32(source.byte(at: 106 &+ part / 8))
          let scale = part % 8 < 4 ? pair & 15 : pair >> 4
          unsafe SignedPoints.decode(
            points + 4 &* first, points + 4 &* second, d * Float(1 &+ 2 &* scale),
            source.byte(at: 74 &+ part), target + 8 &* part)
        }
      }
    }
  }

  static let lattice = Lattice(
    .iq3_S, width: 4, valuesPerScale: 32, unit: 1, hasEvenSigns: false, trials: (1.15, 1.09))

  static func pack(
    _ choice: LatticeChoice, _ block: LatticeBlock, _ bytes: UnsafeMutableRawBufferPointer
  ) {
    unsafe bytes.store(choice.scale, at: 0)
    for point in 0..<64 {
      let index = lattice.index(choice.patterns[point])
      unsafe bytes[2 + point] = UInt8(truncatingIfNeeded: index)
      unsafe bytes[66 + point / 8] |= UInt8(index >> 8) << UInt8(point % 8)
    }
    for group in 0..<32 {
      unsafe bytes[74 + group] = choice.signs(group, block, lattice)
    }
    for pair in 0..<4 {
      unsafe bytes[106 + pair] =
        choice.multipliers[2 * pair] | choice.multipliers[2 * pair + 1] << 4
    }
  }
}
