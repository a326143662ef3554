/// What Q5_0 and Q5_1 share: the highest bits of 32 five-bit numbers, in a u32.
enum FifthBits {
  /// The fifth bits of values `index` and `index + 16`, as 0 or 16.
  ///
  /// - Parameters:
  ///   - bits: The u32, bit *j* for value *j*.
  ///   - index: 0 to 15.
  /// - Returns: What to add to the low four bits of each.
  @inline(__always)
  static func pair(_ bits: UInt32, at index: Int) -> (low: Int32, high: Int32) {
    let pair = Int32(truncatingIfNeeded: bits &>> UInt32(truncatingIfNeeded: index))
    return ((pair &<< 4) & 16, (pair &>> 12) & 16)
  }

  /// The u32 of the fifth bits of 32 numbers.
  ///
  /// - Parameter numbers: 32 bytes from 0 to 31.
  /// - Returns: Bit *j* for number *j*.
  static func packed(_ numbers: UnsafeRawPointer) -> UInt32 {
    var bits: UInt32 = 0
    for index in 0..<32 {
      let high = unsafe UInt32(numbers.byte(at: index)) >> 4
      bits |= high << UInt32(truncatingIfNeeded: index)
    }
    return bits
  }
}
