import WeightmillTensors

/// Encodes Q8_0 and, without importance, Q4_0: eight scales are tried for each block, in integers.
struct ShortEncoder: BlockEncoder {
  /// Q8_0 or Q4_0.
  let format: any BlockFormat.Type
  /// The code that searches.
  let search: any ScaleSearch

  func encode(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, count: Int
  ) -> EncodingFaults {
    let bytes = unsafe blocks.assumingMemoryBound(to: UInt8.self)
    let tooLarge =
      format.type == .q8_0
      ? unsafe search.encodeBytes(values, bytes, count: count)
      : unsafe search.encodeNibbles(values, bytes, count: count)
    var faults = EncodingFaults()
    faults.overflowed = tooLarge &* format.type.valuesPerBlock
    return faults
  }
}
