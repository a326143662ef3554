/// 256 values made ready for the search of scales and points.
package struct LatticeBlock {
  /// Magnitudes divided by a power of two, so that the largest is from 1 to 2; less than 2^-24 is 0. With
  /// their signs where points have signs.
  package private(set) var magnitudes = [Float](repeating: 0, count: 256)
  /// The cost of a squared error of each value, from 2^-40 to 8.
  package private(set) var weights = [Float](repeating: 0, count: 256)
  /// A bit for each eight values, lowest first: whether an odd number of them is negative.
  package private(set) var odd: UInt32 = 0
  /// For each eight values their signs, a bit for each, lowest first; set for a negative one.
  private(set) var signs = [UInt8](repeating: 0, count: 32)
  /// Values are magnitudes times two to this power; `nil` if all are 0.
  private(set) var exponent: Int?

  /// Takes the values of a block.
  ///
  /// The weight of an error is its importance; where that is not known, `sqrt(2 * mean + x * x)` with the
  /// mean of all squares.
  ///
  /// - Parameters:
  ///   - values: 256 values.
  ///   - importance: How much an error in each costs, above 0; `nil`: all the same.
  ///   - keepsSigns: Whether magnitudes have signs.
  mutating func load(
    _ values: UnsafePointer<Float>, _ importance: UnsafePointer<Float>?, keepsSigns: Bool
  ) {
    var largest: Float = 0
    for index in 0..<256 { largest = unsafe Swift.max(largest, abs(values[index])) }
    guard largest > 0 else {
      exponent = nil
      return
    }
    let exponent = Int(largest.exponent)
    self.exponent = exponent
    let factors = Self.factors(-exponent)
    var sum: Float = 0
    for index in 0..<256 {
      let magnitude = unsafe abs(values[index]) * factors.0 * factors.1
      magnitudes[index] = magnitude < 0x1p-24 ? 0 : magnitude
      sum += magnitude * magnitude
    }
    if let importance = unsafe importance {
      unsafe weigh(importance)
    } else {
      weigh(twiceMean: sum * (2.0 / 256))
    }
    if keepsSigns {
      for index in 0..<256 where unsafe values[index] < 0 { magnitudes[index].negate() }
    }
    odd = 0
    for group in 0..<32 {
      var bits: UInt8 = 0
      for lane in 0..<8 where unsafe values[8 &* group &+ lane] < 0 { bits |= 1 << UInt8(lane) }
      signs[group] = bits
      odd |= UInt32(bits.nonzeroBitCount & 1) << UInt32(group)
    }
  }

  private mutating func weigh(_ importance: UnsafePointer<Float>) {
    var most: Float = 0
    for index in 0..<256 { most = unsafe Swift.max(most, importance[index]) }
    let factors = Self.factors(-Int(most.exponent))
    for index in 0..<256 {
      weights[index] = unsafe Swift.max(importance[index] * factors.0 * factors.1, 0x1p-40)
    }
  }

  private mutating func weigh(twiceMean: Float) {
    for index in 0..<256 {
      weights[index] = Swift.max(
        (twiceMean + magnitudes[index] * magnitudes[index]).squareRoot(), 0x1p-40)
    }
  }

  /// Two factors that make a power of two together; one alone might be beyond binary32.
  private static func factors(_ exponent: Int) -> (Float, Float) {
    let half = exponent / 2
    return (
      Float(sign: .plus, exponent: half, significand: 1),
      Float(sign: .plus, exponent: exponent - half, significand: 1)
    )
  }
}
