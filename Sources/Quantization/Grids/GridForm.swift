import CWeightmillKernels
import WeightmillTensors

/// How a type's blocks hold multiples of steps: each part its own, which is a whole multiple of the
/// block's `d`.
struct GridForm {
  /// The number of parts of a block, and of the values of a part.
  let parts, size: Int
  /// The numbers that are stored.
  let numbers: ClosedRange<Int>
  /// The largest integer scale of a part.
  let mostScale: Int
  /// Whether numbers and steps may have either sign.
  let signs: Signs

  enum Signs {
    /// Numbers lie on both sides of 0, and a scale may be negative.
    case symmetric
    /// Numbers are from 0; a multiple of `dmin`, not negative, is subtracted.
    case minimum
    /// Numbers are from 0; `dmin` of either sign is subtracted.
    case offset
  }

  /// The form of blocks with one scale.
  init(size: Int, numbers: ClosedRange<Int>) {
    (parts, self.size, self.numbers, mostScale, signs) = (1, size, numbers, 1, .symmetric)
  }

  /// The form of a type whose scales are searched; `nil` where values are not evenly spaced.
  init?(search: Int) {
    let rule = unsafe weightmill_rule_of(Int32(search), 0)
    if let rule = unsafe rule.symmetric?.pointee {
      guard rule.uneven == 0 else { return nil }
      (parts, size) = (Int(rule.parts), Int(rule.size))
      numbers = Int(rule.low)...Int(rule.high)
      (mostScale, signs) = (Int(rule.scale_high), .symmetric)
    } else if let rule = unsafe rule.affine?.pointee {
      (parts, size) = (Int(rule.parts), Int(rule.size))
      numbers = 0...Int(rule.high)
      (mostScale, signs) = (Int(rule.scale_high), rule.is_free != 0 ? .offset : .minimum)
    } else {
      return nil
    }
  }

  /// The number of values of a block.
  var valuesPerBlock: Int { parts * size }

  /// The largest magnitude of the numbers that a part's values may be multiples by.
  var mostNumber: Int { max(numbers.upperBound, -numbers.lowerBound) }

  // MARK: Fitting

  /// Finds scales and numbers that may give a block's values exactly.
  ///
  /// - Parameters:
  ///   - values: The values of a block, not all 0.
  ///   - precision: The type that they were rounded to.
  ///   - gives: Whether what the block could hold gives the values; asked until something does.
  /// - Returns: Whether something did.
  func fit(
    _ values: UnsafePointer<Float>, _ precision: ValuePrecision, gives: (GridBlock) -> Bool
  ) -> Bool {
    var found = [Int](repeating: 0, count: valuesPerBlock)
    var all: [GridPart] = []
    for part in 0..<parts {
      let first = part * size
      guard
        let one = unsafe GridPart(
          values + first, count: size, precision, most: mostNumber,
          numbers: &found[first..<first + size])
      else { return false }
      all.append(one)
    }
    guard let largest = all.map(\.bestStep).max(), largest > 0 else { return false }
    var attempts = 0
    for divisor in 1...mostScale {
      let unit = largest / Double(divisor)
      guard let (scales, interval) = scales(all, unit) else { continue }
      for d in Self.halves(in: interval, near: unit) {
        if blocks(all, found, d, scales).contains(where: gives) { return true }
        attempts += 1
        guard attempts < Self.mostAttempts else { return false }
      }
    }
    return false
  }

  /// Blocks that are no grid, but look like one, must not take long.
  private static let mostAttempts = 64

  /// The steps as multiples of a unit, and the units with which they are; `nil` if there is none.
  private func scales(
    _ parts: [GridPart], _ unit: Double
  ) -> (scales: [Int], units: ClosedRange<Double>)? {
    let scales = parts.map { Int(($0.bestStep / unit).rounded()) }
    var (least, most) = (0.0, Double.infinity)
    for (part, scale) in zip(parts, scales) where !part.isZero {
      guard scale > 0 else { return nil }
      least = max(least, part.steps.lowerBound / Double(scale))
      most = min(most, part.steps.upperBound / Double(scale))
    }
    return least <= most ? (scales, least...most) : nil
  }

  /// The binary16 numbers of an interval, at most nine, those nearest to another number first.
  ///
  /// Not all of them give the values: ties go to even numbers.
  private static func halves(in interval: ClosedRange<Double>, near middle: Double) -> [Float] {
    let inside = min(max(middle, interval.lowerBound), interval.upperBound)
    let bits = Binary16.bits(Float(inside))
    return (0...4).flatMap { $0 == 0 ? [bits] : [bits &+ $0, bits &- $0] }.map(Binary16.float)
      .filter { $0.isFinite && $0 > 0 && interval.contains(Double($0)) }
  }

  private func blocks(
    _ parts: [GridPart], _ found: [Int], _ d: Float, _ scales: [Int]
  ) -> [GridBlock] {
    switch signs {
    case .symmetric: symmetric(parts, found, d, scales).map { [$0] } ?? []
    case .minimum: minimums(parts, found, d, scales)
    case .offset: offsets(parts[0], found, d)
    }
  }

  private func symmetric(
    _ parts: [GridPart], _ found: [Int], _ d: Float, _ scales: [Int]
  ) -> GridBlock? {
    var block = GridBlock(d: d, scales: scales, numbers: found)
    for (index, part) in parts.enumerated() {
      if numbers.lowerBound <= part.numbers.lowerBound,
        part.numbers.upperBound <= numbers.upperBound
      {
        continue
      }
      guard -numbers.upperBound <= part.numbers.lowerBound,
        part.numbers.upperBound <= -numbers.lowerBound
      else { return nil }
      for number in index * size..<(index + 1) * size { block.numbers[number] = -found[number] }
      block.scales[index] = -scales[index]
    }
    if parts.count == 1 {
      block.d *= Float(block.scales[0])
      block.scales[0] = 1
    }
    for index in block.numbers.indices { block.numbers[index] -= numbers.lowerBound }
    return block
  }

  /// With each part's own zero, then with the same power of two for all: `dmin` is rounded to binary16.
  private func minimums(
    _ parts: [GridPart], _ found: [Int], _ d: Float, _ scales: [Int]
  ) -> [GridBlock] {
    let own = parts.map { max(0, -$0.numbers.lowerBound) }
    let largest = own.max() ?? 0
    let power = largest > 1 ? 1 << (Int.bitWidth - (largest - 1).leadingZeroBitCount) : largest
    let same = parts.map { $0.isZero ? 0 : power }
    return [own, same].compactMap { zeros in
      guard zip(parts, zeros).allSatisfy({ $0.numbers.upperBound + $1 <= numbers.upperBound })
      else {
        return nil
      }
      let products = zip(zeros, scales).map { $0 * $1 }
      let common =
        1 << (products.map { $0 == 0 ? Int.bitWidth - 2 : $0.trailingZeroBitCount }.min() ?? 0)
      let unit = products.allSatisfy { $0 == 0 } ? 0 : common
      guard products.allSatisfy({ unit == 0 || $0 / unit <= mostScale }) else { return nil }
      var block = GridBlock(d: d, scales: scales, numbers: found)
      block.dmin = d * Float(unit)
      block.minimums = products.map { unit == 0 ? 0 : $0 / unit }
      for index in found.indices { block.numbers[index] += zeros[index / size] }
      return block
    }
  }

  /// With every zero that leaves the numbers in their range.
  private func offsets(_ part: GridPart, _ found: [Int], _ d: Float) -> [GridBlock] {
    let least = -part.numbers.lowerBound
    let most = numbers.upperBound - part.numbers.upperBound
    guard least <= most else { return [] }
    return (least...most).map { zero in
      var block = GridBlock(d: d, scales: [1], numbers: found.map { $0 + zero })
      (block.dmin, block.minimums) = (d * Float(zero), [1])
      return block
    }
  }
}
