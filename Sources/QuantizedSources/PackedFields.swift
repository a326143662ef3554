/// Fields of a few bits each in words of 32, one after the other from the lowest bit of the first
/// word on; a field may begin in one word and end in the next, as those of three bits do.
enum PackedFields {
  /// The widths that are read, in bits.
  static let widths = [2, 3, 4, 8]

  /// How many words hold so many fields; what is over in the last one stands for nothing.
  ///
  /// - Parameters:
  ///   - count: How many fields, at most 2^24.
  ///   - bits: The width of one.
  /// - Returns: How many words.
  static func words(for count: Int, bits: Int) -> Int { (count * bits + 31) / 32 }

  /// Unpacks fields to numbers.
  ///
  /// - Parameters:
  ///   - words: The words.
  ///   - first: The word in which the first field begins.
  ///   - bits: The width of a field, one of `widths`.
  ///   - values: Where the fields go; as many are unpacked as there is room for.
  static func unpack(
    _ words: [UInt32], from first: Int, bits: Int, into values: inout [Float]
  ) {
    precondition(widths.contains(bits) && first >= 0)
    precondition(values.count <= 1 << 24 && first <= words.count)
    precondition(Self.words(for: values.count, bits: bits) <= words.count - first)
    unsafe words.withUnsafeBufferPointer { words in
      unsafe values.withUnsafeMutableBufferPointer { values in
        guard let from = words.baseAddress, let to = values.baseAddress else { return }
        switch bits {
        case 2: unsafe unpack(from + first, to, values.count, bits: 2)
        case 4: unsafe unpack(from + first, to, values.count, bits: 4)
        case 8: unsafe unpack(from + first, to, values.count, bits: 8)
        default: unsafe unpackAcross(from + first, to, values.count, bits: bits)
        }
      }
    }
  }

  /// Fields that do not go over from one word to the next.
  @inline(__always)
  private static func unpack(
    _ words: UnsafePointer<UInt32>, _ values: UnsafeMutablePointer<Float>, _ count: Int, bits: Int
  ) {
    let (perWord, mask) = (32 / bits, UInt32(1) << UInt32(bits) &- 1)
    for index in 0..<(count + perWord - 1) / perWord {
      var word = unsafe words[index]
      let first = index &* perWord
      for place in first..<min(first &+ perWord, count) {
        unsafe values[place] = Float(Int32(bitPattern: word & mask))
        word &>>= UInt32(bits)
      }
    }
  }

  private static func unpackAcross(
    _ words: UnsafePointer<UInt32>, _ values: UnsafeMutablePointer<Float>, _ count: Int, bits: Int
  ) {
    for index in 0..<count {
      let (word, shift) = (index &* bits / 32, index &* bits % 32)
      var pair = unsafe UInt64(words[word])
      if shift + bits > 32 { unsafe pair |= UInt64(words[word + 1]) << 32 }
      let field =
        UInt32(truncatingIfNeeded: pair >> UInt64(shift)) & (UInt32(1) << UInt32(bits) - 1)
      unsafe values[index] = Float(Int32(bitPattern: field))
    }
  }
}
