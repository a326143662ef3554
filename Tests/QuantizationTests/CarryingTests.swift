import CWeightmillKernels
import Testing
import WeightmillTestSupport

/// Errors that are carried from column to column: the bits of plain Swift, at every level of instructions.
struct CarryingTests {
  /// A block of a type, and where its group ends.
  struct Shape: CustomTestStringConvertible {
    let name: String
    let width: Int
    let end: Int
    let part: Int
    /// `nil` for the levels of IQ4_NL.
    let range: ClosedRange<Float>?
    var hasOffsets = false
    /// One part of so many has a step of 0; 0: none.
    var zeroSteps = 0
    /// How far values go, in steps; those of the type are about 1.
    var spread: Float = 1
    var testDescription: String { name }
  }

  private static let shapes = [
    Shape(name: "Q4_K", width: 256, end: 256, part: 32, range: 0...15, hasOffsets: true),
    Shape(name: "Q6_K", width: 256, end: 256, part: 16, range: -32...31),
    Shape(name: "IQ4_XS", width: 256, end: 256, part: 32, range: nil),
    Shape(name: "IQ4_NL before two blocks", width: 32, end: 96, part: 32, range: nil),
    Shape(name: "Q5_0 before seven blocks", width: 32, end: 256, part: 32, range: -16...15),
    Shape(
      name: "Q4_1 before a block", width: 32, end: 64, part: 32, range: 0...15, hasOffsets: true),
    Shape(name: "Q2_0 before a block", width: 64, end: 128, part: 64, range: -1...2),
    Shape(name: "Q8_0 at the end", width: 32, end: 32, part: 32, range: -128...127),
    Shape(
      name: "Q2_K, steps of 0", width: 256, end: 256, part: 16, range: 0...3, hasOffsets: true,
      zeroSteps: 3),
    Shape(name: "Q3_K, steps of 0", width: 256, end: 256, part: 16, range: -4...3, zeroSteps: 2),
    Shape(name: "IQ4_NL, steps of 0", width: 32, end: 64, part: 32, range: nil, zeroSteps: 1),
    Shape(
      name: "Q4_K, beyond its range", width: 256, end: 256, part: 32, range: 0...15,
      hasOffsets: true, spread: 9),
    Shape(name: "IQ4_NL, beyond its range", width: 32, end: 96, part: 32, range: nil, spread: 9),
  ]

  /// Random targets and values near them, steps of either sign, factors that grow smaller with distance.
  private func block(_ shape: Shape) -> PlainCarrying {
    var random = SeededGenerator(seed: 61)
    let (rows, stride) = (PlainCarrying.rows, PlainCarrying.stride)
    let parts = shape.width / shape.part
    let reach = shape.range.map { max(abs($0.lowerBound), $0.upperBound) } ?? 113
    let steps = (0..<parts * rows).map { index in
      let isZero = shape.zeroSteps > 0 && (index / rows + index % rows) % shape.zeroSteps == 0
      return isZero ? 0 : Float.random(in: 0.01...0.02, using: &random) * (index % 5 == 0 ? -1 : 1)
    }
    let offsets = (0..<parts * rows).map { _ in
      shape.hasOffsets ? 0.015 * reach * Float.random(in: 0...0.6, using: &random) : 0
    }
    let targets = (0..<shape.width * rows).map { index in
      index % 97 == 0 ? 0 : 0.006 * reach * shape.spread * random.gaussian()
    }
    return PlainCarrying(
      width: shape.width, end: shape.end, part: shape.part, range: shape.range, steps: steps,
      offsets: offsets, targets: targets,
      values: (0..<shape.end * rows).map { index in
        (index < targets.count ? targets[index] : 0) + 0.002 * random.gaussian()
      },
      errors: [Float](repeating: .nan, count: targets.count),
      factors: (0..<stride * stride).map { index in
        0.7 * random.gaussian() / Float(abs(index / stride - index % stride) + 1)
      },
      numbers: [UInt8](repeating: 0xAA, count: targets.count))
  }

  @Test(arguments: shapes, 0...2)
  private func numbersErrorsAndWhatIsLeftAreThoseOfPlainSwift(shape: Shape, level: Int) throws {
    try requireInstructions(level, available: Int(weightmill_level()))
    var (expected, found) = (block(shape), block(shape))
    expected.choose()
    found.run(level: level, .choose)
    #expect(found.numbers == expected.numbers)
    #expect(found.errors.map(\.bitPattern) == expected.errors.map(\.bitPattern))
    #expect(found.values.map(\.bitPattern) == expected.values.map(\.bitPattern))
  }

  @Test(arguments: shapes, 0...2)
  private func errorsOfWrittenBlocksGoBehindThem(shape: Shape, level: Int) throws {
    try requireInstructions(level, available: Int(weightmill_level()))
    var expected = block(shape)
    expected.errors = expected.targets.map { 0.03 * $0 }
    var found = expected
    let before = expected
    expected.carryOn()
    found.run(level: level, .carryOn)
    #expect(found.values.map(\.bitPattern) == expected.values.map(\.bitPattern))
    let own = shape.width * PlainCarrying.rows
    #expect(found.values[..<own] == before.values[..<own])
    #expect(found.numbers == before.numbers && found.errors == before.errors)
    #expect(shape.end == shape.width || found.values[own...] != before.values[own...])
  }

  @Test(arguments: shapes, 0...2)
  private func settledValuesAreThoseOfPlainSwift(shape: Shape, level: Int) throws {
    try requireInstructions(level, available: Int(weightmill_level()))
    var (expected, found) = (block(shape), block(shape))
    let before = expected
    expected.settle()
    found.run(level: level, .settle)
    #expect(found.values.map(\.bitPattern) == expected.values.map(\.bitPattern))
    #expect(found.values != before.values)
    let own = shape.width * PlainCarrying.rows
    #expect(found.values[own...] == before.values[own...])
    #expect(found.numbers == before.numbers)
  }

  /// Values that no earlier block left anything to are the targets.
  @Test(arguments: 0...2)
  func valuesThatAreTargetsAreSettled(level: Int) throws {
    try requireInstructions(level, available: Int(weightmill_level()))
    var block = block(Self.shapes[0])
    block.values = block.targets
    block.run(level: level, .settle)
    #expect(block.values == block.targets)
  }

  /// With factors of 1 into the next column alone, the errors of two neighbours make up for each other but
  /// for half a step.
  @Test(arguments: 0...2)
  func theNextColumnMakesUpForWhatOneLost(level: Int) throws {
    try requireInstructions(level, available: Int(weightmill_level()))
    var block = block(
      Shape(name: "Q6_K", width: 256, end: 256, part: 16, range: -32...31))
    let (rows, stride) = (PlainCarrying.rows, PlainCarrying.stride)
    block.steps = [Float](repeating: 0.25, count: block.steps.count)
    block.targets = (0..<256 * rows).map { Float($0 % 13) * 0.11 }
    block.values = block.targets
    block.factors = (0..<stride * stride).map { $0 % stride == $0 / stride + 1 ? 1 : 0 }
    block.run(level: level, .choose)
    for row in 0..<rows {
      let errors = (0..<256).map { block.errors[$0 * rows + row] }
      for column in 1..<256 { #expect(abs(errors[column - 1] + errors[column]) <= 0.12501) }
    }
  }
}
