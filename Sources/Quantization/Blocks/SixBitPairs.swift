/// What Q4_K and Q5_K share: eight six-bit scales and eight six-bit minima in 12 bytes.
enum SixBitPairs {
  /// The scale and the minimum of a sub-block.
  ///
  /// Bytes 0 to 3 hold the scales 0 to 3, bytes 4 to 7 the minima 0 to 3, each in the low six
  /// bits. Bytes 8 to 11 hold the low four bits of scales 4 to 7 and, above them, of minima 4 to
  /// 7; their high two bits are the high two bits of bytes 0 to 3 and 4 to 7.
  ///
  /// - Parameters:
  ///   - sub: 0 to 7.
  ///   - bytes: The 12 bytes.
  /// - Returns: Both, from 0 to 63.
  @inline(__always)
  static func pair(_ sub: Int, _ bytes: UnsafeRawPointer) -> (scale: Float, minimum: Float) {
    let first = unsafe bytes.byte(at: sub & 3)
    let second = unsafe bytes.byte(at: 4 &+ sub & 3)
    guard sub >= 4 else { return (Float(first & 63), Float(second & 63)) }
    let low = unsafe bytes.byte(at: 4 &+ sub)
    return (Float(low & 15 | first >> 2 & 0x30), Float(low >> 4 | second >> 2 & 0x30))
  }

  /// Packs the scales and minima of a block.
  ///
  /// - Parameters:
  ///   - found: Eight of each, from 0 to 63.
  ///   - bytes: Room for 12 bytes.
  static func pack(_ found: FoundBlock, _ bytes: UnsafeMutableRawPointer) {
    for sub in 0..<4 {
      let scale = unsafe UInt8(bitPattern: found.scale(sub))
      let later = unsafe UInt8(bitPattern: found.scale(sub &+ 4))
      let (minimum, laterMinimum) = unsafe (found.minimum(sub), found.minimum(sub &+ 4))
      unsafe bytes.put(scale | (later >> 4) << 6, at: sub)
      unsafe bytes.put(minimum | (laterMinimum >> 4) << 6, at: 4 &+ sub)
      unsafe bytes.put(later & 15 | laterMinimum << 4, at: 8 &+ sub)
    }
  }
}
