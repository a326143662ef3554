import CKernels
import Tensors

/// Encodes blocks whose scales are searched, chunk by chunk.
struct BlockEncoder {
  /// How many blocks are searched together: their results stay in the nearest cache.
  private static let chunk = 64

  let format: any SearchedFormat.Type
  let kernel: EncoderKernel

  /// Encodes whole blocks.
  ///
  /// - Parameters:
  ///   - values: Rows of finite values.
  ///   - columns: The length of a row.
  ///   - importance: For each column how much an error in it costs, about 1; or nothing.
  ///   - blocks: Room for `count` blocks.
  ///   - count: How many blocks there are.
  /// - Returns: What could not be kept.
  func encode(
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
        unsafe search(
          values + first &* size, columns: columns, column: first &* size % columns,
          importance: importance, results, count: some)
        for block in 0..<some {
          let place = first &+ block
          unsafe faults.add(
            finish(
              results + block, values + place &* size,
              blocks + place &* format.type.bytesPerBlock))
        }
        first &+= some
      }
    }
    return faults
  }

  private func search(
    _ values: UnsafePointer<Float>, columns: Int, column: Int,
    importance: UnsafePointer<Float>?, _ found: UnsafeMutablePointer<weightmill_block>, count: Int
  ) {
    if let level = kernel.level {
      unsafe weightmill_search(
        Int32(format.search), Int32(level), values, importance, columns, column, count, found)
    } else {
      unsafe ReferenceSearch(format.search).run(
        values, importance: importance, columns: columns, column: column, found, count: count)
    }
  }

  /// Packs a block, and looks for what was lost.
  private func finish(
    _ found: UnsafePointer<weightmill_block>, _ values: UnsafePointer<Float>,
    _ block: UnsafeMutableRawPointer
  ) -> EncodingFaults {
    let result = unsafe FoundBlock(found)
    unsafe format.pack(result, block)
    var faults = EncodingFaults()
    let size = format.type.valuesPerBlock
    guard unsafe result.unit & 0x7FFF != 0x7C00 && result.floor & 0x7FFF != 0x7C00 else {
      faults.overflowed = size
      return faults
    }
    let part = format.valuesPerPart
    for first in stride(from: 0, to: size, by: part)
    where unsafe LostValues.mayBe(result.numbers + first, count: part) {
      faults.lost &+= unsafe lost(values, block, part: first)
    }
    return faults
  }

  private func lost(
    _ values: UnsafePointer<Float>, _ block: UnsafeMutableRawPointer, part first: Int
  ) -> Int {
    // Zeros lose nothing; they are not worth decoding.
    let isZero = (first..<first + format.valuesPerPart).allSatisfy { unsafe values[$0] == 0 }
    if isZero { return 0 }
    return unsafe withUnsafeTemporaryAllocation(
      of: Float.self, capacity: format.type.valuesPerBlock
    ) { decoded in
      guard let base = decoded.baseAddress else { return 0 }
      unsafe format.decode(block, base, blocks: 1)
      return unsafe LostValues.count(values + first, base + first, count: format.valuesPerPart)
    }
  }
}
