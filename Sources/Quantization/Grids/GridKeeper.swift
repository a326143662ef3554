import WeightmillTensors

/// Keeps rows exactly that lie on a grid which their type can hold, and says which type could.
///
/// Checkpoints that were trained for blocks have values that are whole multiples of their blocks' steps.
/// A search of scales finds such a step only if it happens to try it. Source:
/// `formats/quantization.md`, section 2.43.
struct GridKeeper: Sendable {
  private let type: TensorType
  private let columns: Int
  private let decoder: RowDecoder
  /// How blocks of the type hold grids; `nil` if only its own encoder may keep them.
  private let blocks: GridBlocks?
  /// The named types, each by its number.
  private let named: [(index: Int, blocks: GridBlocks)]

  private static let namedFormats: [any BlockFormat.Type] = [
    Q1_0.self, TQ2_0.self, Q2_0.self, Q4_0.self, Q5_0.self,
  ]

  /// Prepares for rows.
  ///
  /// - Parameters:
  ///   - type: Their type, one of blocks.
  ///   - columns: How many values they have.
  ///   - decoder: A decoder of the type.
  init(_ type: TensorType, columns: Int, decoder: RowDecoder) {
    (self.type, self.columns, self.decoder) = (type, columns, decoder)
    blocks = GridBlocks(decoder.format)
    named = Self.namedFormats.compactMap { format in
      guard format.type != type, columns % format.type.valuesPerBlock == 0,
        let index = GridRows.namedTypes.firstIndex(of: format.type)
      else { return nil }
      return GridBlocks(format).map { (index, $0) }
    }
  }

  /// Looks at an encoded row, and encodes blocks of it anew if that keeps them exactly.
  ///
  /// - Parameters:
  ///   - values: Finite values.
  ///   - bytes: The encoded row.
  /// - Returns: Counts of this row: whether it lies on a grid, was kept, or which types would keep it.
  func keep(_ values: UnsafePointer<Float>, _ bytes: UnsafeMutableRawPointer) -> GridRows {
    var found = GridRows()
    guard let isLikely = unsafe isLikely(values) else { return found }
    found.rows = 1
    guard isLikely else { return found }
    let precision = unsafe ValuePrecision(values, count: columns)
    if unsafe keep(values, bytes, precision) {
      found.kept = 1
    } else {
      var isHeld = false
      for (index, other) in named {
        // Blocks of 32 values hold what larger ones of fewer numbers hold.
        isHeld =
          unsafe isHeld && other.form.valuesPerBlock == 32
          || other.hold(values, columns: columns, precision)
        if isHeld { found.fitting[index] = 1 }
      }
    }
    return found
  }

  /// Whether the first values that are not all 0 may be multiples of a step; `nil` for a row of zeros.
  private func isLikely(_ values: UnsafePointer<Float>) -> Bool? {
    let most = max(GridRows.mostNumber, blocks?.form.mostNumber ?? 0)
    for first in stride(from: 0, to: columns, by: 16) {
      if let isLikely = unsafe GridPart.isLikely(values + first, most: most) { return isLikely }
    }
    return nil
  }

  /// Whether all blocks of a row are exact, some perhaps after they were encoded anew.
  private func keep(
    _ values: UnsafePointer<Float>, _ bytes: UnsafeMutableRawPointer, _ precision: ValuePrecision
  ) -> Bool {
    let size = type.valuesPerBlock
    var isKept = true
    unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: size) { decoded in
      guard let scratch = decoded.baseAddress else { return }
      for block in 0..<columns / size {
        let source = unsafe values + block &* size
        let target = unsafe bytes + block &* type.bytesPerBlock
        unsafe decoder.decode(UnsafeRawPointer(target), count: size, into: scratch)
        if unsafe ValuePrecision.f32.isSame(scratch, source, count: size)
          || blocks?.encode(source, precision, target) == true
          || precision.isSame(scratch, source, count: size)
        {
          continue
        }
        isKept = false
      }
    }
    return isKept
  }
}
