import WeightmillQuantization
import WeightmillTensors

/// LDLQ in plain loops of binary64 (Chee et al., arXiv 2307.13304), one row after the other: what the errors
/// of `BlockRounding` are compared with.
///
/// Steps are those that `SteppedBlocks` finds for what a block's values come to; blocks without steps are
/// written whole.
struct PlainRounding {
  private let type: TensorType
  /// R, with R Rᵀ = the damped moments.
  private let factor: PlainMatrix
  private let weights: [Float]
  /// Whether errors are carried into the columns that follow.
  private let carries: Bool
  /// Whether a block's steps are found for what its values come to.
  private let settles: Bool

  /// Source: `kvalues_iq4nl` of ggml.
  private static let levels: [Float] = [
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
  ]

  /// Prepares rounding.
  ///
  /// - Parameters:
  ///   - type: The type.
  ///   - moments: The damped moments.
  ///   - diagonal: The factor's diagonal, of which the weights of searches are made.
  ///   - carries: Whether errors are carried into the columns that follow.
  ///   - settles: Whether a block's steps are found for what its values come to, or for what earlier blocks
  ///     left to each of them alone.
  init(
    _ type: TensorType, _ moments: PlainMatrix, diagonal: [Float], carries: Bool = true,
    settles: Bool = true
  ) {
    self.type = type
    self.carries = carries
    self.settles = settles
    factor = moments.upperFactor
    weights = ColumnWeights.weights(diagonal.map { $0 * $0 }, blockSize: type.valuesPerBlock)
  }

  /// Rounds a row.
  ///
  /// - Parameter targets: What it should be.
  /// - Returns: Its blocks, and the targets less what is stored.
  /// - Throws: What encoders and decoders do.
  func round(_ targets: [Float]) throws -> (bytes: [UInt8], errors: [Double]) {
    var errors = [Double](repeating: 0, count: targets.count)
    var bytes: [UInt8] = []
    for first in stride(from: 0, to: targets.count, by: type.valuesPerBlock) {
      let columns = first..<first + type.valuesPerBlock
      let values = ideal(columns, targets, errors).map { Float($0) }
      if let stepped = SteppedBlocks(type) {
        bytes += choose(stepped, columns, values, targets, &errors)
      } else {
        let (block, stored) = try write(columns, values)
        bytes += block
        for (column, value) in zip(columns, stored) {
          errors[column] = Double(targets[column]) - Double(value)
        }
      }
    }
    return (bytes, errors)
  }

  /// What a column should be, by what columns before another one lost.
  private func value(
    _ column: Int, _ targets: [Float], _ errors: [Double], before end: Int
  ) -> Double {
    guard carries else { return Double(targets[column]) }
    let left = (0..<end).reduce(0.0) { $0 + errors[$1] * factor[$1, column] }
    return Double(targets[column]) + left / factor[column, column]
  }

  /// What a block should be if all of its columns were written as they should be: what is left of earlier
  /// columns' errors is the least then.
  private func ideal(_ columns: Range<Int>, _ targets: [Float], _ errors: [Double]) -> [Double] {
    var errors = errors
    guard settles else {
      return columns.map { value($0, targets, errors, before: columns.lowerBound) }
    }
    return columns.map { column in
      let value = value(column, targets, errors, before: column)
      errors[column] = Double(targets[column]) - value
      return value
    }
  }

  /// Finds the steps of a block, then its numbers one by one.
  private func choose(
    _ stepped: SteppedBlocks, _ columns: Range<Int>, _ values: [Float], _ targets: [Float],
    _ errors: inout [Double]
  ) -> [UInt8] {
    let panel = 16
    var blocks = SteppedBlocks.Blocks()
    _ = stepped.fit(
      values, rows: 1, weights: Array(weights[columns]), search: .best, into: &blocks)
    let range = stepped.numbers
    let all =
      stepped.isUneven
      ? Self.levels : Array(stride(from: range.lowerBound, through: range.upperBound, by: 1))
    var numbers = [UInt8](repeating: 0, count: columns.count * panel)
    for (index, column) in columns.enumerated() {
      let part = index / stepped.valuesPerPart * panel
      let (step, offset) = (Double(blocks.steps[part]), Double(blocks.offsets[part]))
      let value = value(column, targets, errors, before: column)
      let units = step == 0 ? 0 : (value + offset) / step
      var nearest = 0
      for candidate in all.indices
      where abs(Double(all[candidate]) - units) < abs(Double(all[nearest]) - units) {
        nearest = candidate
      }
      numbers[index * panel] = UInt8(nearest)
      errors[column] = Double(targets[column]) - (step * Double(all[nearest]) - offset)
    }
    var bytes = [UInt8](repeating: 0, count: type.bytesPerBlock)
    bytes.withUnsafeMutableBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      stepped.pack(&blocks, row: 0, numbers: numbers, base)
    }
    return bytes
  }

  /// Writes a block by the type's encoder.
  private func write(_ columns: Range<Int>, _ values: [Float]) throws -> ([UInt8], [Float]) {
    let encoder = try RowEncoder(
      type, guide: .importance(Array(weights[columns])), columns: columns.count, location: "test")
    var bytes = [UInt8](repeating: 0, count: type.bytesPerBlock)
    _ = encoder.encode(values, into: &bytes)
    var stored = values
    try RowDecoder(type, location: "test").decode(bytes, into: &stored)
    return (bytes, stored)
  }
}
