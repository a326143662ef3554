import CWeightmillKernels
package import WeightmillTensors

/// A search of rows for values that drown the others of their part or block.
///
/// A first pass reads the values alone, in lanes; what a few parts in a thousand were rounded to is looked
/// at only then.
package struct OutlierScan: Sendable {
  /// The number of values that share a scale.
  private let part: Int
  /// The number of values of a block.
  private let block: Int

  /// Prepares to look at rows.
  ///
  /// - Parameter type: The type to which they are rounded; the result is `nil` if its values have no scale.
  package init?(_ type: TensorType) {
    guard !type.isScalar else { return nil }
    block = type.valuesPerBlock
    part = min(block, Self.valuesPerScale(type))
  }

  /// How many values share a scale at least.
  private static func valuesPerScale(_ type: TensorType) -> Int {
    switch type {
    case .q2_K, .q3_K, .q6_K, .iq2_XS, .iq2_S, .nvfp4, .iq1_M: 16
    case .tq1_0, .tq2_0, .q8_K: 256
    case .q1_0, .q2_0: type.valuesPerBlock
    default: 32
    }
  }

  /// Looks at one row.
  ///
  /// - Parameters:
  ///   - values: The values of a row.
  ///   - columns: How many there are.
  ///   - decode: Leaves what a block was rounded to at an address; given are the block's first column and how many
  ///     values it has.
  /// - Returns: What was drowned.
  package func scan(
    _ values: UnsafePointer<Float>, columns: Int,
    decode: (_ column: Int, _ count: Int, _ target: UnsafeMutablePointer<Float>) -> Void
  ) -> DrownedValues {
    let row = unsafe RowParts(values, columns: columns, part: part, block: block)
    guard !row.suspects.isEmpty else { return DrownedValues() }
    return unsafe judge(row, values, columns: columns, decode: decode)
  }

  /// Judges the suspects of a row: blocks first, and their parts only if the block is not drowned as a whole.
  private func judge(
    _ row: RowParts, _ values: UnsafePointer<Float>, columns: Int,
    decode: (_ column: Int, _ count: Int, _ target: UnsafeMutablePointer<Float>) -> Void
  ) -> DrownedValues {
    var found = DrownedValues()
    let least = row.ordinaryPower / 16
    var (decodedBlock, drownedBlock) = (-1, -1)
    unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: block) { decoded in
      guard let base = decoded.baseAddress else { return }
      for suspect in row.suspects.sorted(by: { $0.comesBefore($1, block: block) })
      where suspect.power / Double(suspect.count - 1) >= least {
        let number = suspect.first / block
        guard number != drownedBlock else { continue }
        let first = number &* block
        if number != decodedBlock {
          unsafe decode(first, min(block, columns &- first), base)
          decodedBlock = number
        }
        guard
          let lost = unsafe suspect.lost(values, base + (suspect.first &- first))
        else { continue }
        found.add(lost, ratio: suspect.ratio)
        if suspect.count > part { drownedBlock = number }
      }
    }
    return found
  }
}

/// A part or block of which one value is far larger than the others.
private struct OutlierSuspect {
  /// Its first column.
  let first: Int
  /// How many values it has.
  let count: Int
  /// The column of the largest, from `first` on.
  let largest: Int
  /// The sum of the squares of the others.
  let power: Double
  /// The square of the largest over the mean of the others' squares.
  let ratio: Double

  /// Looks at values; `nil` if none is far larger than the others, or the others are 0.
  init?(_ values: UnsafePointer<Float>, count: Int, first: Int) {
    guard count > 1 else { return nil }
    var largest = 0
    for index in 1..<count where unsafe abs(values[index]) > abs(values[largest]) {
      largest = index
    }
    var power = 0.0
    for index in 0..<count where index != largest {
      unsafe power += Double(values[index]) * Double(values[index])
    }
    let peak = unsafe Double(values[largest]) * Double(values[largest])
    let ratio = peak * Double(count - 1) / power
    guard power > 0, ratio >= DrownedValues.leastRatio else { return nil }
    (self.first, self.count, self.largest, self.power, self.ratio) = (
      first, count, largest, power, ratio
    )
  }

  /// In the order of blocks, a whole block in front of its parts.
  func comesBefore(_ other: OutlierSuspect, block: Int) -> Bool {
    (first / block, -count, first) < (other.first / block, -other.count, other.first)
  }

  /// How many values were lost, if rounding left little of them.
  ///
  /// - Parameters:
  ///   - values: The row.
  ///   - decoded: What became of these.
  /// - Returns: The number of values that were not 0; `nil` if enough is left.
  func lost(_ values: UnsafePointer<Float>, _ decoded: UnsafePointer<Float>) -> Int? {
    var (error, others) = (0.0, 0)
    for index in 0..<count where index != largest {
      let value = unsafe Double(values[first &+ index])
      let distance = unsafe value - Double(decoded[index])
      error += distance * distance
      if value != 0 { others &+= 1 }
    }
    return error >= power / 64 ? others : nil
  }
}

/// What a row's parts hold.
private struct RowParts {
  /// Parts and blocks that are looked at more closely.
  private(set) var suspects: [OutlierSuspect] = []
  /// The sum of the mean squares of parts that are not suspect.
  private var power = 0.0
  private var parts = 0

  /// The mean square of the values of a part but its outlier, over the row; of parts without one if there are any.
  var ordinaryPower: Double {
    if parts > 0 { return power / Double(parts) }
    guard !suspects.isEmpty else { return 0 }
    return suspects.reduce(0) { $0 + $1.power / Double($1.count - 1) } / Double(suspects.count)
  }

  /// Looks at a row.
  ///
  /// - Parameters:
  ///   - values: The values of the row.
  ///   - columns: How many there are.
  ///   - part: How many values share a scale: a multiple of 8.
  ///   - block: How many a block has: some parts.
  init(_ values: UnsafePointer<Float>, columns: Int, part: Int, block: Int) {
    let whole = columns / part
    unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 &* whole) { squares in
      guard let base = squares.baseAddress else { return }
      unsafe weightmill_squares(values, whole, part, base, base + whole)
      let row = unsafe Squares(row: values, largest: base, sums: base + whole, part: part)
      for first in stride(from: 0, to: whole, by: block / part) {
        unsafe add(row, first..<min(first &+ block / part, whole))
      }
    }
    // A last part is shorter only where a reference's rows are compared whose type has no blocks.
    if columns > whole &* part {
      let (first, count) = (whole &* part, columns &- whole &* part)
      if let suspect = unsafe OutlierSuspect(values + first, count: count, first: first) {
        suspects.append(suspect)
      }
    }
  }

  /// Adds the parts of a block, and the block itself where it has several.
  private mutating func add(_ row: Squares, _ block: Range<Int>) {
    var (largest, sum): (Float, Float) = (0, 0)
    for number in block {
      unsafe (largest, sum) = (max(largest, row.largest[number]), sum + row.sums[number])
      if let suspect = unsafe row.suspect(
        number..<number &+ 1, row.largest[number], row.sums[number])
      {
        suspects.append(suspect)
      } else {
        unsafe power += Double(row.sums[number]) / Double(row.part)
        parts &+= 1
      }
    }
    if block.count > 1, let suspect = unsafe row.suspect(block, largest, sum) {
      suspects.append(suspect)
    }
  }
}

/// The squares of a row's values, in parts.
@unsafe private struct Squares {
  let row: UnsafePointer<Float>
  let largest: UnsafePointer<Float>
  let sums: UnsafePointer<Float>
  let part: Int

  /// Some parts, if one of their values may be far larger than the others.
  @inline(__always)
  func suspect(_ parts: Range<Int>, _ largest: Float, _ sum: Float) -> OutlierSuspect? {
    // Looser than what is asked for, since sums round in another order; and true of what overflows.
    let count = unsafe parts.count &* part
    let least = 0.9 * Float(DrownedValues.leastRatio) * (sum - largest)
    guard sum > 0, !(largest * Float(count &- 1) < least) else { return nil }
    let first = unsafe parts.lowerBound &* part
    return unsafe OutlierSuspect(row + first, count: count, first: first)
  }
}
