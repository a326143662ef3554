import CWeightmillKernels
import WeightmillTensors

/// Encodes blocks whose scales are searched, chunk by chunk.
struct SearchedEncoder: BlockEncoder {
  /// How many blocks are searched together: their results stay in the nearest cache.
  private static let chunk = 64

  /// The type.
  let format: any SearchedFormat.Type
  /// For each column what an error in it costs; `nil`: all the same.
  let weights: [Float]?
  /// The code that searches.
  let search: any ScaleSearch

  func encode(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, count: Int
  ) -> EncodingFaults {
    guard let weights else {
      let columns = count &* format.type.valuesPerBlock
      return unsafe encode(values, columns: columns, importance: nil, blocks, count: count)
    }
    return unsafe weights.withUnsafeBufferPointer { weights in
      unsafe encode(
        values, columns: weights.count, importance: weights.baseAddress, blocks, count: count)
    }
  }

  private func encode(
    _ values: UnsafePointer<Float>, columns: Int, importance: UnsafePointer<Float>?,
    _ blocks: UnsafeMutableRawPointer, count: Int
  ) -> EncodingFaults {
    let size = format.type.valuesPerBlock
    var faults = EncodingFaults()
    unsafe withUnsafeTemporaryAllocation(of: weightmill_block.self, capacity: Self.chunk) { found in
      guard let results = found.baseAddress else { return }
      var first = 0
      while first < count {
        let some = min(Self.chunk, count &- first)
        unsafe search.search(
          type: format.search, values + first &* size, importance: importance, columns: columns,
          column: first &* size % columns, results, count: some)
        for block in 0..<some {
          let index = first &+ block
          unsafe faults.add(
            finish(results + block, blocks + index &* format.type.bytesPerBlock))
        }
        first &+= some
      }
    }
    return faults
  }

  /// Packs a block.
  private func finish(
    _ found: UnsafePointer<weightmill_block>, _ block: UnsafeMutableRawPointer
  ) -> EncodingFaults {
    let result = unsafe FoundBlock(found)
    unsafe format.pack(result, block)
    var faults = EncodingFaults()
    if unsafe result.d & 0x7FFF == 0x7C00 || result.dmin & 0x7FFF == 0x7C00 {
      faults.overflowed = format.type.valuesPerBlock
    }
    return faults
  }
}
