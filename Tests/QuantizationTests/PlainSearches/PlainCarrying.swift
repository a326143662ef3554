import CWeightmillKernels

/// A block of 16 rows whose numbers are chosen column by column: what `Carrying.h` of CKernels does.
///
/// Every operation is one of binary32, in the same order, so that the results are the same bits.
struct PlainCarrying {
  /// How many rows lie side by side.
  static let rows = Int(WEIGHTMILL_PANEL)
  /// How many columns errors are carried through at most.
  static let stride = 256
  /// Source: `kvalues_iq4nl` of ggml.
  private static let levels: [Float] = [
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
  ]

  /// What CKernels does with a block.
  enum Kernel {
    /// Chooses its numbers.
    case choose
    /// Carries errors that are known into the columns behind it.
    case carryOn
    /// Finds what its values come to if nothing is rounded.
    case settle
  }

  /// The columns of the block, and those to the end of its group.
  let width: Int
  let end: Int
  /// The columns of a part.
  let part: Int
  /// `nil` for the levels of IQ4_NL.
  let range: ClosedRange<Float>?
  var steps: [Float]
  var offsets: [Float]
  var targets: [Float]
  var values: [Float]
  var errors: [Float]
  var factors: [Float]
  var numbers: [UInt8]

  /// The number that a value in units of its step gets, and the same as it is stored.
  private func nearest(_ units: Float) -> (number: Float, stored: Float) {
    if let range {
      let number = Lane.nearest(units, range.lowerBound, range.upperBound)
      return (number, number - range.lowerBound)
    }
    let index = (1..<16).count { units >= 0.5 * (Self.levels[$0 - 1] + Self.levels[$0]) }
    return (Self.levels[index], Float(index))
  }

  /// Chooses the numbers of all columns.
  mutating func choose() {
    for column in 0..<width {
      for row in 0..<Self.rows {
        let (index, place) = (column / part * Self.rows + row, column * Self.rows + row)
        let units = (values[place] + offsets[index]) * Lane.inverse(steps[index])
        let (number, stored) = nearest(units)
        numbers[place] = UInt8(stored)
        errors[place] = targets[place] - (steps[index] * number - offsets[index])
        carry(column, row, from: column + 1)
      }
    }
  }

  /// Carries errors that are known into the columns behind the block.
  mutating func carryOn() {
    for column in 0..<width {
      for row in 0..<Self.rows { carry(column, row, from: width) }
    }
  }

  /// Makes the block's values those that they come to if nothing of it is rounded.
  mutating func settle() {
    for column in 0..<width {
      for row in 0..<Self.rows {
        let error = targets[column * Self.rows + row] - values[column * Self.rows + row]
        for later in column + 1..<max(width, column + 1) {
          values[later * Self.rows + row] =
            values[later * Self.rows + row] + error * factors[column * Self.stride + later]
        }
      }
    }
  }

  private mutating func carry(_ column: Int, _ row: Int, from first: Int) {
    let error = errors[column * Self.rows + row]
    for later in first..<max(first, end) {
      values[later * Self.rows + row] =
        values[later * Self.rows + row] + error * factors[column * Self.stride + later]
    }
  }

  /// The same by CKernels.
  ///
  /// - Parameters:
  ///   - level: The instructions.
  ///   - kernel: What is done.
  mutating func run(level: Int, _ kernel: Kernel) {
    let (steps, offsets, targets, factors) = (steps, offsets, targets, factors)
    let (width, end, part, range) = (width, end, part, range)
    steps.withUnsafeBufferPointer { steps in
      offsets.withUnsafeBufferPointer { offsets in
        targets.withUnsafeBufferPointer { targets in
          factors.withUnsafeBufferPointer { factors in
            values.withUnsafeMutableBufferPointer { values in
              errors.withUnsafeMutableBufferPointer { errors in
                numbers.withUnsafeMutableBufferPointer { numbers in
                  var block = weightmill_carrying(
                    width: width, end: end, part: part, low: range?.lowerBound ?? 0,
                    high: range?.upperBound ?? 0, uneven: range == nil ? 1 : 0,
                    steps: steps.baseAddress, offsets: offsets.baseAddress,
                    targets: targets.baseAddress, values: values.baseAddress,
                    errors: errors.baseAddress, factors: factors.baseAddress, stride: Self.stride,
                    numbers: numbers.baseAddress)
                  switch kernel {
                  case .choose: weightmill_carry(Int32(level), &block)
                  case .carryOn: weightmill_carry_on(Int32(level), &block)
                  case .settle: weightmill_settle(Int32(level), &block)
                  }
                }
              }
            }
          }
        }
      }
    }
  }
}
