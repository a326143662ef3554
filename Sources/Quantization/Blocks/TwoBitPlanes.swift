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
}
