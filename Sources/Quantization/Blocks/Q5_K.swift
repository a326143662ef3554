import Tensors

/// 256 values in 176 bytes: as Q4_K, with 32 bytes of fifth bits before the four-bit numbers.
///
/// Byte *l* of the fifth bits has bit *k* for value 32 *k* + *l*.
enum Q5_K: BlockFormat {
  static var type: TensorType { .q5_K }

  private static let bytes = 176
  private static let scales = 4
  private static let fifths = 16
  private static let quants = 48

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    for block in 0..<count {
      let source = unsafe blocks + block &* bytes
      let target = unsafe values + block &* 256
      let unit = unsafe source.binary16(at: 0)
      let minimumUnit = unsafe source.binary16(at: 2)
      for sub in 0..<8 {
        let (scale, minimum) = unsafe SixBitPairs.pair(sub, source + scales)
        let step = unit * scale
        let offset = minimumUnit * minimum
        let lanes = unsafe source + (quants &+ 32 &* (sub &>> 1))
        let shift = Int32(truncatingIfNeeded: 4 &* (sub & 1))
        let bit = Int32(truncatingIfNeeded: sub)
        for lane in 0..<32 {
          let low = unsafe Int32(lanes.byte(at: lane)) &>> shift & 15
          let high = unsafe Int32(source.byte(at: fifths &+ lane)) &>> bit & 1
          unsafe target[32 &* sub &+ lane] = step * Float(low | high &<< 4) - offset
        }
      }
    }
  }
}
