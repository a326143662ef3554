package import WeightmillTensors

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

  /// Prepares for rows.
  ///
  /// - Parameters:
  ///   - type: Their type, one of blocks.
  ///   - columns: How many values they have.
  ///   - decoder: A decoder of the type.
  init(_ type: TensorType, columns: Int, decoder: RowDecoder) {
    (self.type, self.columns, self.decoder) = (type, columns, decoder)
    blocks = GridBlocks(type)
    named = GridRows.namedTypes.enumerated().compactMap { index, other in
      guard other != type, columns % other.valuesPerBlock == 0 else { return nil }
      return GridBlocks(other).map { (index, $0) }
    }
  }

  /// Looks at an encoded row, and encodes blocks of it anew if that keeps them exactly.
  ///
  /// - Parameters:
  ///   - values: Finite values.
  ///   - bytes: The encoded row.
  /// - Returns: Whether the row lies on a grid.
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

/// Counts of a tensor's rows by the grids that they lie on.
package struct GridRows: Sendable, Equatable {
  /// The rows that are not all 0.
  package var rows = 0
  /// Those that the type they were written in keeps exactly, though its values are multiples of steps.
  package var kept = 0
  /// Those of the others that each of `namedTypes` would keep exactly.
  package var fitting = SIMD8<Int>.zero

  /// The types that a note may name, the smallest first.
  package static let namedTypes: [TensorType] = [.q1_0, .tq2_0, .q2_0, .q4_0, .q5_0]

  /// The largest number that a value of these types may be a multiple by.
  static let mostNumber = 16

  /// Nothing was looked at.
  package init() {}

  /// Adds those of other rows.
  ///
  /// - Parameter other: Those of other rows.
  package mutating func add(_ other: GridRows) {
    rows += other.rows
    kept += other.kept
    fitting &+= other.fitting
  }

  /// Whether all rows lie on a grid and were kept exactly.
  package var isKept: Bool { rows > 0 && kept == rows }

  /// The smallest type that would keep all rows exactly, where the one they were written in does not.
  package var betterType: TensorType? {
    guard rows > 0, !isKept else { return nil }
    return Self.namedTypes.indices.first { fitting[$0] &+ kept == rows }.map { Self.namedTypes[$0] }
  }
}
