/// The codebook of a type whose values are signed points of it, with what an encoder must know.
///
/// A block of 256 values has a binary16 scale *d*. Sub-blocks of 16 or 32 values have a multiplier n
/// of three or four bits: their scale is `d * unit * (2 * n + 1)`. Magnitudes are points of the codebook.
/// In IQ1_S and IQ1_M points have signs of their own, and are moved up or down by 1/8 (`valuesPerDelta`).
package struct Lattice: Sendable {
  /// The scales of a block that are tried: their number, and the ratio of one to the next.
  package static let units = (count: 32, step: Float(1.0356))
  /// The first of them, relative to the largest scale of a sub-block.
  package var firstUnit: Float { mostMultiplier == 15 ? 0.0225 : 0.0465 }

  /// The codebook.
  let codebook: Codebook
  /// The number of values of a point: 8 of three levels, or 4 of eight.
  package let width: Int
  /// The levels that a value of a point may have, ascending.
  package let levels: [Float]
  /// The number of values that share a multiplier.
  package let valuesPerScale: Int
  /// The least scale of a sub-block, relative to the block's.
  package let unit: Float
  /// The largest multiplier.
  package let mostMultiplier: Int
  /// The number of values that are moved together, or 0.
  package let valuesPerDelta: Int
  /// Whether of eight values an even number must be negative.
  package let hasEvenSigns: Bool
  /// The scales that are tried for a sub-block, relative to its size.
  package let trials: [Float]
  /// Whether the points that are chosen are searched again under the scale they are chosen with.
  ///
  /// With three levels and eight trial scales these are close enough: it would gain less than 0.05 %.
  package var refines: Bool { levels.count == 8 || hasDelta }
  /// Whether points have signs of their own, and are moved.
  package var hasDelta: Bool { valuesPerDelta != 0 }
  /// The patterns of the codebook's points, in its order.
  package let patterns: [UInt16]
  /// How the vector kernel goes through the codebook.
  let plan: LatticePlan
  /// What the kernel wants of the levels: their squares less that of the lowest, they less the lowest,
  /// and twice they.
  let squaresAboveLowest, levelsAboveLowest, twiceLevels: [Float]
  /// For the number of each half of a pattern its magnitudes, at most four.
  private let halves: [Float]
  /// For the number of each pattern the number of the codebook's point, or 0.
  private let indices: [UInt16]

  /// Describes a type.
  ///
  /// - Parameters:
  ///   - codebook: The codebook.
  ///   - width: How many values a point has.
  ///   - valuesPerScale: How many values share a multiplier.
  ///   - unit: The least scale of a sub-block, relative to the block's.
  ///   - hasEvenSigns: Whether of eight values an even number must be negative.
  ///   - trials: The least of the scales that are tried for a sub-block, and the ratio of one to the
  ///     next: eight; four if each is tried with points moved up and down.
  ///   - mostMultiplier: The largest multiplier.
  ///   - valuesPerDelta: How many values are moved together.
  init(
    _ codebook: Codebook, width: Int, valuesPerScale: Int, unit: Float, hasEvenSigns: Bool,
    trials: (least: Float, ratio: Float), mostMultiplier: Int = 15, valuesPerDelta: Int = 0
  ) {
    self.codebook = codebook
    self.width = width
    self.valuesPerScale = valuesPerScale
    self.unit = unit
    self.hasEvenSigns = hasEvenSigns
    (self.mostMultiplier, self.valuesPerDelta) = (mostMultiplier, valuesPerDelta)
    levels = Set(codebook.points).sorted().map { Float($0) }
    var scale = trials.least
    let scales = (0..<8).map { _ in
      defer { scale *= trials.ratio }
      return scale
    }
    self.trials = valuesPerDelta == 0 ? scales : Array(scales.prefix(4) + scales.prefix(4))
    patterns = Self.patterns(codebook, width: width, levels: levels)
    plan = LatticePlan(patterns, digits: width == 8 ? 9 : 8)
    let levels = levels
    squaresAboveLowest = levels.map { $0 * $0 - levels[0] * levels[0] }
    levelsAboveLowest = levels.map { $0 - levels[0] }
    twiceLevels = levels.map { 2 * $0 }
    halves = (0..<512).map { index in
      var digits = index / 4
      for _ in 0..<index % 4 { digits /= levels.count }
      return levels[digits % levels.count]
    }
    var indices = [UInt16](repeating: 0, count: 1 << 14)
    for (index, pattern) in patterns.enumerated() { indices[Int(pattern)] = UInt16(index) }
    self.indices = indices
  }

  /// The codebook's number of a pattern that is one of its points.
  func index(_ pattern: UInt16) -> UInt16 { indices[Int(pattern)] }

  /// The number of each point's pattern: that of the first half times 128, plus that of the second.
  ///
  /// The number of a half has the level of its first value as its lowest digit, in base 3 or 8.
  private static func patterns(_ codebook: Codebook, width: Int, levels: [Float]) -> [UInt16] {
    let half = width / 2
    return stride(from: 0, to: codebook.points.count, by: width).map { start in
      func number(_ range: Range<Int>) -> Int {
        range.reversed().reduce(0) { sum, index in
          sum * levels.count + (levels.firstIndex(of: Float(codebook.points[index])) ?? 0)
        }
      }
      return UInt16(number(start..<start + half) << 7 | number(start + half..<start + width))
    }
  }

  /// The magnitude of a value of the point that a pattern stands for.
  package func level(_ pattern: UInt16, _ value: Int) -> Float {
    let half = value < width / 2 ? Int(pattern >> 7) : Int(pattern & 127)
    return halves[half * 4 + value % (width / 2)]
  }
}
