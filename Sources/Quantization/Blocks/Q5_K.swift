import CWeightmillKernels
import WeightmillTensors

/// 256 values in 176 bytes: as Q4_K, with 32 bytes of fifth bits before the four-bit numbers.
///
/// Byte *l* of the fifth bits has bit *k* for value 32 *k* + *l*.
enum Q5_K: SearchedFormat {
  static var type: TensorType { .q5_K }
  static var search: Int { WEIGHTMILL_Q5_K }
  static var valuesPerPart: Int { 32 }

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
      let d = unsafe source.binary16(at: 0)
      let dmin = unsafe source.binary16(at: 2)
      for sub in 0..<8 {
        let (scale, minimum) = unsafe SixBitPairs.pair(sub, source + scales)
        let step = d * scale
        let offset = dmin * minimum
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

  static func pack(_ found: FoundBlock, _ block: UnsafeMutableRawPointer) {
    unsafe block.put(found.d, at: 0)
    unsafe block.put(found.dmin, at: 2)
    unsafe SixBitPairs.pack(found, block + scales)
    for lane in 0..<32 {
      var bits: UInt8 = 0
      for bit in 0..<8 {
        let high = unsafe found.numbers.byte(at: 32 &* bit &+ lane) >> 4
        bits |= high << UInt8(truncatingIfNeeded: bit)
      }
      unsafe block.put(bits, at: fifths &+ lane)
    }
    for half in 0..<4 {
      let numbers = unsafe found.numbers + 64 &* half
      unsafe block.putHalves(numbers, numbers + 32, count: 32, at: quants &+ 32 &* half)
    }
  }
}
