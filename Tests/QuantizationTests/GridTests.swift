import Testing
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport

/// Values that are whole multiples of a step: what models hold that were trained for a type.
struct GridTests {
  private func roundTrip(
    _ values: [Float], _ type: TensorType, importance: [Float]? = nil
  ) throws -> [Float] {
    var bytes = [UInt8](
      repeating: 0xAA, count: values.count / type.valuesPerBlock * type.bytesPerBlock)
    let encoder = try RowEncoder(
      type, guide: importance.map(EncodingGuide.importance) ?? .none, columns: 512, location: "test"
    )
    let faults = encoder.encode(values, into: &bytes)
    #expect(faults.overflowed == 0 && faults.lost == 0)
    var decoded = [Float](repeating: .nan, count: values.count)
    try RowDecoder(type, location: "test").decode(bytes, into: &decoded)
    return decoded
  }

  /// Unequal importance of 512 columns.
  private func importance(_ random: inout SeededGenerator) -> [Float] {
    (0..<512).map { _ in abs(random.gaussian() * random.gaussian()) }
  }

  /// A random step that binary16 holds.
  private func step(_ random: inout SeededGenerator) -> Float {
    Binary16.float(Binary16.bits(0.01 + 0.02 * abs(random.gaussian())))
  }

  // MARK: Models of two and three values

  /// One scale for all, for each row, or for each block.
  @Test(arguments: [TensorType.q1_0, .q2_0, .tq1_0, .tq2_0], [4 * 512, 512, 64])
  func valuesOfBinaryAndTernaryModelsAreKept(type: TensorType, valuesPerStep: Int) throws {
    var random = SeededGenerator(seed: 31)
    let group = max(valuesPerStep, type.valuesPerBlock)
    let levels: [Float] = type == .q1_0 ? [-1, 1] : [-1, 0, 1]
    let values = (0..<4 * 512 / group).flatMap { _ in
      let step = step(&random)
      return (0..<group).map { _ in step * levels[Int(random.next() % UInt64(levels.count))] }
    }
    #expect(try roundTrip(values, type) == values)
    #expect(try roundTrip(values, type, importance: importance(&random)) == values)
  }

  /// The number 3 of Q2_0 is twice the step.
  @Test func theFourthNumberOfQ2_0IsUsed() throws {
    var random = SeededGenerator(seed: 32)
    for sign: Float in [-1, 1] {
      let step = sign * step(&random)
      let values = (0..<512).map { _ in step * Float(Int(random.next() % 4) - 1) }
      #expect(try roundTrip(values, .q2_0) == values)
    }
  }

  // MARK: Grids of other scales than those that searches try

  /// The grids that a type holds: a step for each part, and the numbers.
  private struct Form {
    let type: TensorType
    let valuesPerStep: Int
    let numbers: ClosedRange<Int>
  }

  private static let forms: [Form] = [
    Form(type: .q4_0, valuesPerStep: 32, numbers: -7...7),
    Form(type: .q4_0, valuesPerStep: 32, numbers: -8...7),
    Form(type: .q4_0, valuesPerStep: 32, numbers: -3...5),
    Form(type: .q5_0, valuesPerStep: 32, numbers: -15...15),
    Form(type: .q5_0, valuesPerStep: 32, numbers: -11...13),
    Form(type: .q8_0, valuesPerStep: 32, numbers: -100...93),
    Form(type: .q4_1, valuesPerStep: 32, numbers: -8...7),
    Form(type: .q5_1, valuesPerStep: 32, numbers: -16...15),
    Form(type: .q2_0, valuesPerStep: 64, numbers: -1...2),
    Form(type: .q2_K, valuesPerStep: 256, numbers: -1...1),
    Form(type: .q2_K, valuesPerStep: 256, numbers: -2...1),
    Form(type: .q3_K, valuesPerStep: 256, numbers: -3...3),
    Form(type: .q4_K, valuesPerStep: 256, numbers: -8...7),
    Form(type: .q4_K, valuesPerStep: 256, numbers: -6...9),
    Form(type: .q5_K, valuesPerStep: 256, numbers: -16...15),
    Form(type: .q6_K, valuesPerStep: 256, numbers: -8...7),
    Form(type: .q6_K, valuesPerStep: 256, numbers: -27...30),
  ]

  /// Values on the grids of a form, as a file of some type holds them.
  private func values(_ form: Form, _ rounded: (Float) -> Float) -> [Float] {
    var random = SeededGenerator(seed: 33)
    return (0..<4 * 512 / form.valuesPerStep).flatMap { _ in
      let step = step(&random)
      return (0..<form.valuesPerStep).map { _ in
        let count = UInt64(form.numbers.count)
        return rounded(step * Float(form.numbers.lowerBound + Int(random.next() % count)))
      }
    }
  }

  @Test(arguments: forms.indices, [false, true])
  func gridsAreKept(form: Int, isGuided: Bool) throws {
    let form = Self.forms[form]
    var random = SeededGenerator(seed: 34)
    let importance = isGuided ? importance(&random) : nil
    let values = values(form) { $0 }
    #expect(try roundTrip(values, form.type, importance: importance) == values)
  }

  private func bfloat16(_ value: Float) -> Float { BFloat16.float(BFloat16.bits(value)) }
  private func binary16(_ value: Float) -> Float { Binary16.float(Binary16.bits(value)) }

  /// Files of BF16 and F16 hold multiples of steps rounded: what is decoded gives them when it is rounded, too.
  @Test(arguments: forms.indices.filter { forms[$0].type != .q8_0 })
  func gridsOfRoundedValuesAreKept(form: Int) throws {
    let form = Self.forms[form]
    for rounded in [bfloat16, binary16] {
      let values = values(form, rounded)
      #expect(try roundTrip(values, form.type).map(rounded) == values)
    }
  }

  /// What GPTQ stores with a zero of each group: `step * (number - zero)`.
  @Test func gridsWithZerosOfTheirOwnAreKept() throws {
    var random = SeededGenerator(seed: 35)
    for type in [TensorType.q4_1, .q5_1, .q4_K, .q5_K] {
      let step = step(&random)
      let values = (0..<512 / 32).flatMap { _ in
        // Zeros whose product with any step binary16 holds: it is Q4_1's offset.
        let zero = [0, 1, 2, 4, 8][Int(random.next() % 5)]
        return (0..<32).map { _ in step * Float(Int(random.next() % 16) - zero) }
      }
      #expect(try roundTrip(values, type) == values, "\(type)")
    }
  }

  /// Scales of sub-blocks that are whole multiples of one step, as a file of that type decodes to.
  @Test(arguments: [
    (TensorType.q6_K, 16, 32), (.q3_K, 16, 4), (.q4_K, 32, 8), (.q5_K, 32, 16), (.q2_K, 16, 2),
  ])
  func multiplesOfOneStepAreKept(type: TensorType, valuesPerPart: Int, most: Int) throws {
    var random = SeededGenerator(seed: 36)
    let values = (0..<8).flatMap { _ in
      let step = step(&random)
      return (0..<256 / valuesPerPart).flatMap { _ in
        let scale = Float(1 + random.next() % 7)
        return (0..<valuesPerPart).map { _ in
          step * scale * Float(Int(random.next() % UInt64(2 * most)) - most)
        }
      }
    }
    #expect(try roundTrip(values, type) == values)
  }

  // MARK: What is no grid

  /// One value off the grid: its block is searched as ever, the others are kept.
  @Test func aValueOffTheGridCostsItsBlockOnly() throws {
    var values = values(Self.forms[0]) { $0 }
    values[700] *= 1.02
    let decoded = try roundTrip(values, .q4_0)
    let changed = values.indices.filter { values[$0] != decoded[$0] }
    #expect(!changed.isEmpty && changed.allSatisfy { $0 / 32 == 700 / 32 })
  }

  private func rows(_ values: [Float], _ type: TensorType) throws -> GridRows {
    var bytes = [UInt8](
      repeating: 0, count: values.count / type.valuesPerBlock * type.bytesPerBlock)
    return try RowEncoder(type, columns: 512, location: "test").encode(values, into: &bytes).grids
  }

  @Test(arguments: [TensorType.q4_K, .q8_0, .q4_0, .iq4_NL, .q6_K])
  func ordinaryValuesLieOnNoGrid(type: TensorType) throws {
    var random = SeededGenerator(seed: 37)
    for rounded in [bfloat16, binary16, { $0 }] {
      let values = (0..<64 * 512).map { _ in rounded(0.02 * random.gaussian()) }
      let found = try rows(values, type)
      #expect(found.rows == 64 && found.kept == 0 && found.betterType == nil)
    }
  }

  @Test func theTypeThatWouldKeepRowsIsNamed() throws {
    let four = values(Self.forms[0], bfloat16)
    #expect(try rows(four, .q4_0).isKept)
    for type in [TensorType.q3_K, .iq4_NL, .iq2_S, .mxfp4] {
      let found = try rows(four, type)
      #expect(!found.isKept && found.betterType == .q4_0, "\(type)")
    }
    #expect(try rows(values(Self.forms[3], bfloat16), .q4_0).betterType == .q5_0)
    var random = SeededGenerator(seed: 38)
    let step = step(&random)
    let ternary = (0..<2048).map { _ in step * Float(Int(random.next() % 3) - 1) }
    #expect(try rows(ternary, .q1_0).betterType == .tq2_0)
    let binary = (0..<4).flatMap { _ in
      let step = self.step(&random)
      return (0..<512).map { _ in random.next() % 2 == 0 ? step : -step }
    }
    #expect(try rows(binary, .iq2_XS).betterType == .q1_0)
    #expect(try rows(four + binary.map { $0 * 2 }, .iq2_XS).betterType == .q4_0)
    let spoilt = four.dropLast() + [four[2047] * 1.5 + 0.001]
    #expect(try rows(Array(spoilt), .iq2_XS).betterType == nil)
  }

  @Test func rowsOfZerosAreNoEvidence() throws {
    let found = try rows([Float](repeating: 0, count: 2048), .q3_K)
    #expect(found == GridRows() && !found.isKept && found.betterType == nil)
  }
}
