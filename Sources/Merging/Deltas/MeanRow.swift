import WeightmillTensors

/// The mean of a matrix's rows in float32, bit for bit as torch computes it.
///
/// Torch adds floats in groups, so that sums of many small numbers do not lose them: 16 rows, then
/// 16 such sums, then 16 of those, and what these give. Its `mean` divides the sum by the number of
/// rows. Measured with torch 2.15 on matrices of 300 to 70000 rows: the same bits with any number
/// of threads and on any instruction set, for widths that are multiples of 32, as all models' are;
/// what is left of other widths it adds in another order.
package struct MeanRow {
  private static let levels = 4
  private let groupBits: Int
  private var sums: [[Float]]
  private var count = 0

  /// The mean row of a tensor, in rows of any floating-point type.
  static func values(
    of catalogue: any Catalogue, _ index: Int
  ) throws(WeightmillError) -> [Float] {
    let shape = catalogue.tensors[index].shape
    var mean = MeanRow(rows: shape.rows, columns: shape.columns)
    for first in stride(from: 0, to: shape.rows, by: 64) {
      let rows = first..<min(first + 64, shape.rows)
      mean.add(try NumberRows.values(rows, of: catalogue, index))
    }
    return mean.result
  }

  /// Prepares for a number of rows.
  ///
  /// - Parameters:
  ///   - rows: How many rows will be added.
  ///   - columns: How many values a row has.
  package init(rows: Int, columns: Int) {
    // The groups are larger where four levels of 16 rows would not reach.
    let bits = rows > 1 ? Int.bitWidth - (rows - 1).leadingZeroBitCount : 0
    groupBits = max(4, bits / Self.levels)
    sums = [[Float]](repeating: [Float](repeating: 0, count: columns), count: Self.levels)
  }

  /// Adds rows, in order.
  ///
  /// - Parameter values: The values of whole rows.
  package mutating func add(_ values: [Float]) {
    let columns = sums[0].count
    guard columns > 0 else { return }
    for first in stride(from: 0, to: values.count, by: columns) {
      for column in 0..<columns { sums[0][column] += values[first + column] }
      count += 1
      if count & (1 << groupBits - 1) == 0 { carry() }
    }
  }

  /// A full group goes up a level, and takes a full group there with it.
  private mutating func carry() {
    for level in 1..<Self.levels {
      for column in sums[level].indices {
        sums[level][column] += sums[level - 1][column]
        sums[level - 1][column] = 0
      }
      guard count & ((1 << groupBits - 1) << (level * groupBits)) == 0 else { return }
    }
  }

  /// The mean of the rows added.
  package var result: [Float] {
    sums[0].indices.map { column in
      (1..<Self.levels).reduce(sums[0][column]) { $0 + sums[$1][column] } / Float(count)
    }
  }
}
