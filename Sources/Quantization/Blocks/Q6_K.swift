import CWeightmillKernels
import WeightmillTensors

/// 256 values in 210 bytes: 256 six-bit numbers `q`, sixteen signed byte scales, a binary16 scale `d`.
///
/// Sub-block *k* of 16 values has scale *k*; `y = (d * scale) * (q - 32)`.
///
/// ```text
/// 210 bytes, i < 2, m < 64, l < 32, k < 16
///            7-------------------------------3-------------------------------+
/// 64i+m      |        q[128i+m+64].3-0       |         q[128i+m].3-0         |
///            7---------------5---------------3---------------1---------------+
/// 128+32i+l  |   128i+l+96   |   128i+l+64   |   128i+l+32   |     128i+l    |  q[…].5-4
///            7---------------------------------------------------------------+
/// 192+k      |                            scale[k]                           |  i8
///            15--------------------------------------------------------------+
/// 208        |                               d                               |  binary16
///            +---------------------------------------------------------------+
/// ```
enum Q6_K: SearchedFormat {
  static var type: TensorType { .q6_K }
  static var search: Int { WEIGHTMILL_Q6_K }
  static var valuesPerPart: Int { 16 }

  static let bytes = 210
  private static let highBits = 128
  static let scales = 192
  static let scale = 208

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    for block in 0..<count {
      let source = unsafe blocks + block &* bytes
      let target = unsafe values + block &* 256
      let d = unsafe source.binary16(at: scale)
      for sub in 0..<16 {
        let (low, high, shift) = position(16 &* sub)
        let step = unsafe d * Float(source.signedByte(at: scales &+ sub))
        for lane in 0..<16 {
          let lowBits = unsafe Int32(source.byte(at: low &+ lane)) &>> Int32(shift.low) & 15
          let highBits = unsafe Int32(source.byte(at: high &+ lane)) &>> Int32(shift.high) & 3
          unsafe target[16 &* sub &+ lane] = step * Float((lowBits | highBits &<< 4) &- 32)
        }
      }
    }
  }

  /// Where the low four and the high two bits of a value lie: byte and shift of each.
  @inline(__always)
  static func position(
    _ index: Int
  ) -> (low: Int, high: Int, shift: (low: UInt8, high: UInt8)) {
    let half = index / 128
    let group = index % 128 / 32
    let lane = index % 32
    return (
      64 &* half &+ lane &+ 32 &* (group % 2), highBits &+ 32 &* half &+ lane,
      (UInt8(4 &* (group / 2)), UInt8(2 &* group))
    )
  }

  static func pack(_ found: FoundBlock, _ block: UnsafeMutableRawPointer) {
    for half in 0..<2 {
      let numbers = unsafe found.numbers + 128 &* half
      unsafe block.putHalves(numbers, numbers + 64, count: 64, at: 64 &* half)
      for lane in 0..<32 {
        var bits: UInt8 = 0
        for group in 0..<4 {
          let high = unsafe numbers.byte(at: 32 &* group &+ lane) >> 4
          bits |= high << UInt8(truncatingIfNeeded: 2 &* group)
        }
        unsafe block.put(bits, at: highBits &+ 32 &* half &+ lane)
      }
    }
    for sub in 0..<16 {
      unsafe block.put(UInt8(bitPattern: found.scale(sub)), at: scales &+ sub)
    }
    unsafe block.put(found.d, at: scale)
  }
}
