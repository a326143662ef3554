/// Values of one part of a block as whole multiples of a step.
struct GridPart {
  /// The steps with which the multiples are the values, as far as the type of the source told them apart;
  /// infinite if all values are 0.
  let steps: ClosedRange<Double>
  /// The step of least squares.
  let bestStep: Double
  /// The least and the largest number.
  let numbers: ClosedRange<Int>

  /// Whether all values are 0.
  var isZero: Bool { numbers == 0...0 }

  /// Finds the largest step of which all values are multiples; `nil` if there is none.
  ///
  /// - Parameters:
  ///   - values: The values.
  ///   - count: How many there are.
  ///   - precision: The type that they were rounded to.
  ///   - most: The largest magnitude that a number may have.
  ///   - found: Where to write the numbers.
  init?(
    _ values: UnsafePointer<Float>, count: Int, _ precision: ValuePrecision, most: Int,
    numbers found: inout ArraySlice<Int>
  ) {
    var peak: Float = 0
    for index in 0..<count where unsafe abs(values[index]) > peak {
      unsafe peak = abs(values[index])
    }
    guard peak > 0 else {
      for index in 0..<count { found[found.startIndex + index] = 0 }
      (steps, bestStep, numbers) = (0...Double.infinity, 0, 0...0)
      return
    }
    for divisor in 1...most {
      let step = Double(peak) / Double(divisor)
      let slack = precision.halfStep(peak) / Double(divisor)
      let fits = (0..<count).allSatisfy { index in
        let value = unsafe values[index]
        let number = (Double(value) / step).rounded()
        found[found.startIndex + index] = Int(number)
        let distance = abs(Double(value) - number * step)
        return distance <= precision.halfStep(value) + abs(number) * slack
          && (number != 0 || value == 0)
      }
      if fits, let part = unsafe GridPart(values, found, precision) {
        self = part
        return
      }
    }
    return nil
  }

  /// The steps that give the values with these numbers.
  private init?(
    _ values: UnsafePointer<Float>, _ numbers: ArraySlice<Int>, _ precision: ValuePrecision
  ) {
    var (least, most) = (0.0, Double.infinity)
    var (product, square) = (0.0, 0.0)
    for (index, number) in numbers.enumerated() where number != 0 {
      let value = unsafe values[index]
      let (size, times) = (Double(abs(value)), Double(abs(number)))
      least = max(least, (size - precision.halfStep(value)) / times)
      most = min(most, (size + precision.halfStep(value)) / times)
      product += size * times
      square += times * times
    }
    guard least <= most, let lowest = numbers.min(), let highest = numbers.max() else { return nil }
    (steps, bestStep, self.numbers) = (least...most, product / square, lowest...highest)
  }

  // MARK: Rows that may lie on a grid

  /// Whether some values may be multiples of a step: a quick look, for whole rows.
  ///
  /// - Parameters:
  ///   - values: 16 values.
  ///   - most: The largest magnitude that a number may have, a multiple of 16.
  /// - Returns: `nil` if all are 0; `false` if they are no multiples.
  static func isLikely(_ values: UnsafePointer<Float>, most: Int) -> Bool? {
    var peak: Float = 0
    var bits: UInt32 = 0
    for index in 0..<16 {
      unsafe peak = max(peak, abs(values[index]))
      unsafe bits |= values[index].bitPattern
    }
    guard peak > 0 else { return nil }
    // Twice half a step of BF16, F16 or F32: a value's and the largest one's.
    let share: Float = bits & 0xFFFF == 0 ? 0x1p-7 : bits & 0x1FFF == 0 ? 0x1p-10 : 0x1p-23
    let rounding = SIMD16<Float>(repeating: 0x1.8p23)
    for first in stride(from: 0, to: most, by: 16) {
      let divisors =
        SIMD16<Float>(
          1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16) + Float(first)
      let inverses = divisors / peak
      var fits = SIMDMask<SIMD16<Int32>>(repeating: true)
      for index in 0..<16 {
        let multiples = unsafe inverses * values[index]
        let distances = multiples - ((multiples + rounding) - rounding)
        // Squares: the magnitude of a vector takes longer.
        let slack = multiples * share
        fits .&= distances * distances .<= slack * slack + 1e-10
        if !any(fits) { break }
      }
      if any(fits) { return true }
    }
    return false
  }
}
