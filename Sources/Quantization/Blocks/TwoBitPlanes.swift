/// What Q2_K, Q3_K and TQ2_0 share: where 256 two-bit numbers lie in 64 bytes.
///
/// Each half of the block has 32 bytes; byte *l* holds the values *l*, *l* + 32, *l* + 64 and
/// *l* + 96 of its half, the first in the lowest bits.
enum TwoBitPlanes {
  /// Where the numbers of a sub-block of 16 lie.
  ///
  /// - Parameter sub: 0 to 15.
  /// - Returns: The first of 16 neighbouring bytes, and how far to shift each right.
  @inline(__always)
  static func position(ofSubBlock sub: Int) -> (first: Int, shift: Int32) {
    (
      32 &* (sub &>> 3) &+ 16 &* (sub & 1), Int32(truncatingIfNeeded: 2 &* (sub &>> 1 & 3))
    )
  }

  /// Packs the low two bits of 256 numbers.
  ///
  /// - Parameters:
  ///   - numbers: 256 bytes.
  ///   - planes: Room for 64 bytes.
  static func pack(_ numbers: UnsafeRawPointer, _ planes: UnsafeMutableRawPointer) {
    for half in 0..<2 {
      let source = unsafe numbers + 128 &* half
      for lane in 0..<32 {
        let first = unsafe source.byte(at: lane) & 3 | (source.byte(at: lane &+ 32) & 3) << 2
        let second =
          unsafe (source.byte(at: lane &+ 64) & 3) << 4 | (source.byte(at: lane &+ 96) & 3) << 6
        unsafe planes.put(first | second, at: 32 &* half &+ lane)
      }
    }
  }
}
