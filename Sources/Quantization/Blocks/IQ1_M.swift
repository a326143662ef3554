import WeightmillTensors

/// 256 values in 56 bytes: low bytes of indices, half bytes of high bits, four u16 of scales.
///
/// Eight values have an eleven-bit index into IQ1_S's codebook, and a sign of `delta`, which is
/// -0.125 where it is set, else 0.125; 16 values have a three-bit scale. The binary16 scale `d`
/// lies in the high bits of the u16. `y = (d * (2 * scale + 1)) * (number + delta)`.
///
/// ```text
/// 56 bytes, p < 32, k < 16
///       7---------------------------------------------------------------+
/// p     |                          index[p].7-0                         |
///       7-------6-----------------------3-------2-----------------------+
/// 32+k  |  2k+1 |    index[2k+1].10-8   |   2k  |     index[2k].10-8    |  sign[…]
///       15--------------11----------8-----------5-----------2-----------+
/// 48    |     d.3-0     |  scale[3] |  scale[2] |  scale[1] |  scale[0] |
///       15--------------11----------8-----------5-----------2-----------+
/// 50    |     d.7-4     |  scale[7] |  scale[6] |  scale[5] |  scale[4] |
///       15--------------11----------8-----------5-----------2-----------+
/// 52    |     d.11-8    | scale[11] | scale[10] |  scale[9] |  scale[8] |
///       15--------------11----------8-----------5-----------2-----------+
/// 54    |    d.15-12    | scale[15] | scale[14] | scale[13] | scale[12] |
///       +---------------------------------------------------------------+
/// ```
enum IQ1_M: LatticeFormat {
  static var type: TensorType { .iq1_M }

  private static let bytes = 56

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    unsafe Codebook.iq1.withPoints { points in
      for block in 0..<count {
        let source = unsafe blocks + block &* bytes
        let target = unsafe values + block &* 256
        let packed = unsafe source.word64(at: 48)
        let d = Binary16.float(
          UInt16(
            truncatingIfNeeded: packed >> 12 & 0xF | packed >> 24 & 0xF0 | packed >> 36 & 0xF00
              | packed >> 48 & 0xF000))
        for part in 0..<32 {
          let pair = unsafe Int(source.byte(at: 32 &+ part / 2))
          let high = part % 2 == 0 ? pair & 15 : pair >> 4
          let index = unsafe Int(source.byte(at: part)) | (high & 7) << 8
          let shift = UInt64(truncatingIfNeeded: 16 &* (part / 8) &+ 3 &* (part % 8 / 2))
          let step = d * Float(Int32(truncatingIfNeeded: packed &>> shift & 7) &* 2 &+ 1)
          let delta: Float = high & 8 != 0 ? -0.125 : 0.125
          let point = unsafe points + 8 &* index
          let lanes = unsafe target + 8 &* part
          for lane in 0..<8 { unsafe lanes[lane] = step * (Float(point[lane]) + delta) }
        }
      }
    }
  }

  static let lattice = Lattice(
    .iq1, width: 8, valuesPerScale: 16, unit: 1, hasEvenSigns: false, trials: (0.7, 1.25),
    mostMultiplier: 7, valuesPerDelta: 8)

  static func pack(
    _ choice: LatticeChoice, _ block: LatticeBlock, _ bytes: UnsafeMutableRawBufferPointer
  ) {
    for part in 0..<32 {
      let (index, isDown) = choice.point(part, lattice)
      unsafe bytes[part] = UInt8(truncatingIfNeeded: index)
      let high = UInt8(index >> 8) | (isDown ? 8 : 0)
      unsafe bytes[32 + part / 2] |= high << UInt8(4 * (part % 2))
    }
    for word in 0..<4 {
      var packed = (choice.scale >> UInt16(4 * word)) << 12
      for scale in 0..<4 {
        packed |= UInt16(choice.multipliers[4 * word + scale]) << UInt16(3 * scale)
      }
      unsafe bytes.store(packed, at: 48 + 2 * word)
    }
  }
}
