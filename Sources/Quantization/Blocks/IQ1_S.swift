import WeightmillTensors

/// 256 values in 50 bytes: a binary16 scale `d`, low bytes of indices, eight u16.
///
/// Eight values have an eleven-bit index into a codebook of 2048 points of eight numbers -1, 0 or
/// 1; 32 values have a three-bit scale, and a sign of `delta`, which is -0.125 where it is set,
/// else 0.125. `y = (d * (2 * scale + 1)) * (number + delta)`. The u16 are drawn byte by byte.
///
/// ```text
/// 50 bytes, p < 32, g < 8
///        15--------------------------------------------------------------+
/// 0      |                               d                               |  binary16
///        7---------------------------------------------------------------+
/// 2+p    |                          index[p].7-0                         |
///        7---------------5-----------------------2-----------------------+
/// 34+2g  |index[4g+2].9-8|    index[4g+1].10-8   |     index[4g].10-8    |
///        7-------6-----------------------3-----------------------0-------+
/// 35+2g  |sign[g]|        scale[g]       |    index[4g+3].10-8   |  4g+2 |  index[…].10
///        +---------------------------------------------------------------+
/// ```
enum IQ1_S: LatticeFormat {
  static var type: TensorType { .iq1_S }

  private static let bytes = 50

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    unsafe Codebook.iq1.withPoints { points in
      for block in 0..<count {
        let source = unsafe blocks + block &* bytes
        let target = unsafe values + block &* 256
        let d = unsafe source.binary16(at: 0)
        for group in 0..<8 {
          let packed = unsafe Int(source.word16(at: 34 &+ 2 &* group))
          let step = d * Float(Int32(packed >> 12 & 7) &* 2 &+ 1)
          let delta: Float = packed & 0x8000 != 0 ? -0.125 : 0.125
          for part in 0..<4 {
            let low = unsafe Int(source.byte(at: 2 &+ 4 &* group &+ part))
            let index = low | (packed &>> (3 &* part) & 7) << 8
            let lanes = unsafe target + (32 &* group &+ 8 &* part)
            let point = unsafe points + 8 &* index
            for lane in 0..<8 { unsafe lanes[lane] = step * (Float(point[lane]) + delta) }
          }
        }
      }
    }
  }

  static let lattice = Lattice(
    .iq1, width: 8, valuesPerScale: 32, unit: 1, hasEvenSigns: false, trials: (0.7, 1.25),
    mostMultiplier: 7, valuesPerDelta: 32)

  static func pack(
    _ choice: LatticeChoice, _ block: LatticeBlock, _ bytes: UnsafeMutableRawBufferPointer
  ) {
    unsafe bytes.store(choice.scale, at: 0)
    for group in 0..<8 {
      var packed = UInt16(choice.multipliers[group]) << 12
      for part in 0..<4 {
        let (index, isDown) = choice.point(4 * group + part, lattice)
        unsafe bytes[2 + 4 * group + part] = UInt8(truncatingIfNeeded: index)
        packed |= (index >> 8) << UInt16(3 * part) | (isDown ? 0x8000 : 0)
      }
      unsafe bytes.store(packed, at: 34 + 2 * group)
    }
  }
}
