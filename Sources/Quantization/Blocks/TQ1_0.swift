import CWeightmillKernels
import WeightmillTensors

/// 256 values in 54 bytes: digits `q` in base 3, five to a byte, and a binary16 scale `d` at the end.
///
/// A byte `v` stands for the fraction `v / 256` in base 3; digit *n* is the integer part of three
/// times `3^n * v mod 256` over 256, and `y = (q - 1) * d`. The first digit of a byte is drawn
/// first.
///
/// ```text
/// 54 bytes, l < 32, m < 16, n < 4
///       7---------------------------------------------------------------+
/// l     |             q[l] q[l+32] q[l+64] q[l+96] q[l+128]             |  base 3
///       7---------------------------------------------------------------+
/// 32+m  |          q[m+160] q[m+176] q[m+192] q[m+208] q[m+224]         |  base 3
///       7---------------------------------------------------------------+
/// 48+n  |              q[n+240] q[n+244] q[n+248] q[n+252]              |  base 3
///       15--------------------------------------------------------------+
/// 52    |                               d                               |  binary16
///       +---------------------------------------------------------------+
/// ```
enum TQ1_0: SearchedFormat {
  static var type: TensorType { .tq1_0 }
  static var search: Int { WEIGHTMILL_TQ1_0 }
  static var valuesPerPart: Int { 256 }

  private static let bytes = 54
  private static let scale = 52

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    for block in 0..<count {
      let source = unsafe blocks + block &* bytes
      let target = unsafe values + block &* 256
      let d = unsafe source.binary16(at: scale)
      unsafe decode(source, bytes: 32, digits: 5, target, d)
      unsafe decode(source + 32, bytes: 16, digits: 5, target + 160, d)
      unsafe decode(source + 48, bytes: 4, digits: 4, target + 240, d)
    }
  }

  @inline(__always)
  private static func decode(
    _ source: UnsafeRawPointer, bytes: Int, digits: Int, _ target: UnsafeMutablePointer<Float>,
    _ d: Float
  ) {
    var power: UInt32 = 1
    for digit in 0..<digits {
      for index in 0..<bytes {
        let fraction = unsafe UInt32(source.byte(at: index)) &* power & 0xFF
        let trit = Int32(truncatingIfNeeded: (fraction &* 3) &>> 8)
        unsafe target[bytes &* digit &+ index] = Float(trit &- 1) * d
      }
      power &*= 3
    }
  }

  static func pack(_ found: FoundBlock, _ block: UnsafeMutableRawPointer) {
    unsafe pack(found.numbers, bytes: 32, digits: 5, block)
    unsafe pack(found.numbers + 160, bytes: 16, digits: 5, block + 32)
    unsafe pack(found.numbers + 240, bytes: 4, digits: 4, block + 48)
    unsafe block.put(found.d, at: scale)
  }

  /// The fraction that is not below the number in base 3: its digits come out again.
  private static func pack(
    _ numbers: UnsafeRawPointer, bytes: Int, digits: Int, _ block: UnsafeMutableRawPointer
  ) {
    for index in 0..<bytes {
      var number: UInt32 = 0
      for digit in 0..<5 {
        let trit = unsafe digit < digits ? numbers.byte(at: bytes &* digit &+ index) : 0
        number = number &* 3 &+ UInt32(trit)
      }
      unsafe block.put(UInt8(truncatingIfNeeded: (number &* 256 &+ 242) / 243), at: index)
    }
  }
}
