import CWeightmillKernels
package import WeightmillTensors

/// A type whose values are a step times a number, less an offset: steps can be found first, and numbers
/// chosen one by one afterwards.
///
/// That is every type but the lattice ones, MXFP4 and Q1_0.
package struct SteppedBlocks: Sendable {
  /// The type.
  package let type: TensorType
  /// The number of values that share a step.
  package let valuesPerPart: Int
  /// The smallest and the largest number.
  package let numbers: ClosedRange<Float>
  /// Whether numbers are levels of IQ4_NL.
  package let isUneven: Bool
  /// `nil` for Q8_0, whose scales are searched in integers.
  private let format: (any SearchedFormat.Type)?

  /// Describes a type.
  ///
  /// It is `nil` for one whose values are no steps times numbers.
  ///
  /// - Parameter type: The type.
  package init?(_ type: TensorType) {
    self.type = type
    guard type != .q8_0 else {
      format = nil
      (valuesPerPart, numbers, isUneven) = (32, -128...127, false)
      return
    }
    guard let format = RowEncoder.searched.first(where: { $0.type == type }) else { return nil }
    self.format = format
    let rule = unsafe weightmill_rule_of(Int32(format.search), 1)
    if let symmetric = unsafe rule.symmetric?.pointee {
      numbers = symmetric.low...symmetric.high
      isUneven = symmetric.uneven != 0
      valuesPerPart = Int(symmetric.size)
    } else if let affine = unsafe rule.affine?.pointee {
      numbers = 0...affine.high
      isUneven = false
      valuesPerPart = Int(affine.size)
    } else {
      return nil
    }
  }

  /// The number of steps of a block.
  package var parts: Int { type.valuesPerBlock / valuesPerPart }

  /// Blocks of as many rows as lie in a panel, one for each: their steps, and the numbers when they are known.
  package struct Blocks {
    fileprivate var found = [weightmill_block](
      repeating: weightmill_block(), count: Int(WEIGHTMILL_PANEL))
    /// What numbers are multiplied by: for each part one for each row.
    package fileprivate(set) var steps: [Float] = []
    /// What is subtracted from that, likewise.
    package fileprivate(set) var offsets: [Float] = []

    /// Room for blocks.
    package init() {}
  }

  /// Finds the steps that leave the least weighted error, every value being rounded by itself.
  ///
  /// - Parameters:
  ///   - values: A block for each of the rows, one after the other; finite.
  ///   - rows: How many there are, at most `WEIGHTMILL_PANEL`.
  ///   - weights: What an error in each column costs, above 0.
  ///   - search: The code that searches.
  ///   - blocks: Where the steps go.
  /// - Returns: Whether all values are within the type's range.
  package func fit(
    _ values: UnsafePointer<Float>, rows: Int, weights: UnsafePointer<Float>,
    search: EncoderKernel, into blocks: inout Blocks
  ) -> Bool {
    let (size, panel) = (type.valuesPerBlock, Int(WEIGHTMILL_PANEL))
    precondition((1...panel).contains(rows))
    if let format {
      unsafe blocks.found.withUnsafeMutableBufferPointer { found in
        guard let base = found.baseAddress else { return }
        unsafe search.searchSteps(
          type: format.search, values, weights: weights, columns: size, base, count: rows)
      }
    } else {
      unsafe fitBytes(values, rows: rows, search, &blocks)
    }
    if blocks.steps.count != parts * panel {
      blocks.steps = [Float](repeating: 0, count: parts * panel)
      blocks.offsets = blocks.steps
    }
    for row in 0..<panel {
      // Rows that are not there are like the first.
      let found = blocks.found[row < rows ? row : 0]
      let (d, dmin) = (Binary16.float(found.d), Binary16.float(found.dmin))
      for part in 0..<parts {
        let scale = format == nil ? 1 : Float(Self.byte(found.scales, part))
        let minimum = Float(Self.byte(found.minimums, part))
        blocks.steps[part * panel + row] = d * scale
        blocks.offsets[part * panel + row] = dmin * minimum
      }
    }
    return blocks.found[..<rows].allSatisfy {
      $0.d & 0x7FFF != 0x7C00 && $0.dmin & 0x7FFF != 0x7C00
    }
  }

  private func fitBytes(
    _ values: UnsafePointer<Float>, rows: Int, _ search: EncoderKernel, _ blocks: inout Blocks
  ) {
    var bytes = [UInt8](repeating: 0, count: rows * type.bytesPerBlock)
    _ = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return 0 }
      return unsafe search.encodeBytes(values, base, count: rows)
    }
    for row in 0..<rows {
      let first = row * type.bytesPerBlock
      blocks.found[row].d = UInt16(bytes[first]) | UInt16(bytes[first + 1]) << 8
      blocks.found[row].dmin = 0
    }
  }

  /// The scale or minimum of a part.
  private static func byte<Scales>(_ scales: Scales, _ part: Int) -> Int8 {
    unsafe withUnsafeBytes(of: scales) { unsafe Int8(bitPattern: $0[part]) }
  }

  /// Packs the block of one of the rows.
  ///
  /// - Parameters:
  ///   - blocks: The blocks, whose steps were found.
  ///   - row: The row.
  ///   - numbers: The numbers of all rows, from 0: `WEIGHTMILL_PANEL` for each column.
  ///   - block: Room for `type.bytesPerBlock` bytes.
  package func pack(
    _ blocks: inout Blocks, row: Int, numbers: UnsafePointer<UInt8>,
    _ block: UnsafeMutableRawPointer
  ) {
    let panel = Int(WEIGHTMILL_PANEL)
    guard let format else {
      unsafe block.put(blocks.found[row].d, at: 0)
      for column in 0..<type.valuesPerBlock {
        unsafe block.put(numbers[column * panel + row] &- 128, at: 2 + column)
      }
      return
    }
    unsafe blocks.found.withUnsafeMutableBufferPointer { found in
      guard let base = found.baseAddress else { return }
      let target = unsafe UnsafeMutableRawPointer(base + row)
      let first = MemoryLayout<weightmill_block>.offset(of: \.numbers) ?? 0
      for column in 0..<type.valuesPerBlock {
        unsafe target.storeBytes(
          of: numbers[column * panel + row], toByteOffset: first + column, as: UInt8.self)
      }
      unsafe format.pack(FoundBlock(base + row), block)
    }
  }
}
