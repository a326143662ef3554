import WeightmillTensors

/// Encodes Q8_0 and, without importance, Q4_0: eight scales are tried for each block, in integers.
struct ShortEncoder: BlockEncoder {
  /// Q8_0 or Q4_0.
  let format: any BlockFormat.Type
  /// The code that searches.
  let search: any ScaleSearch

  private static let values = 32

  /// How many blocks are encoded together: hardly any such group has to be looked at again.
  private static let chunk = 64

  func encode(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, count: Int
  ) -> EncodingFaults {
    var faults = EncodingFaults()
    for first in stride(from: 0, to: count, by: Self.chunk) {
      let some = min(Self.chunk, count &- first)
      let source = unsafe values + first &* Self.values
      let target = unsafe blocks + first &* format.type.bytesPerBlock
      if unsafe mayLose(source, target, count: some) {
        unsafe faults.add(self.faults(source, target, count: some))
      }
    }
    return faults
  }

  /// Encodes blocks, and returns whether one may have lost something.
  private func mayLose(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, count: Int
  ) -> Bool {
    let bytes = unsafe blocks.assumingMemoryBound(to: UInt8.self)
    return format.type == .q8_0
      ? unsafe search.encodeBytes(values, bytes, count: count)
      : unsafe search.encodeNibbles(values, bytes, count: count)
  }

  private func faults(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeRawPointer, count: Int
  ) -> EncodingFaults {
    var faults = EncodingFaults()
    let size = format.type.bytesPerBlock
    for index in 0..<count {
      let block = unsafe blocks + index &* size
      if unsafe block.word16(at: 0) & 0x7FFF == 0x7C00 {
        faults.overflowed &+= Self.values
      } else if unsafe LostValues.mayBe(
        block + 2, count: size &- 2, isHalves: format.type == .q4_0)
      {
        faults.lost &+= unsafe lost(values + index &* Self.values, block)
      }
    }
    return faults
  }

  private func lost(_ values: UnsafePointer<Float>, _ block: UnsafeRawPointer) -> Int {
    unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: Self.values) { decoded in
      guard let base = decoded.baseAddress else { return 0 }
      unsafe format.decode(block, base, blocks: 1)
      return unsafe LostValues.count(values, base, count: Self.values)
    }
  }
}
