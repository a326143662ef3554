import CWeightmillKernels
import Testing
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport

/// Blocks whose steps are found first: what is packed decodes to steps times numbers.
struct SteppedBlocksTests {
  /// A type, how many values share a step, and the numbers; `nil` for the levels of IQ4_NL.
  struct Form: CustomTestStringConvertible {
    let type: TensorType
    let valuesPerPart: Int
    let numbers: ClosedRange<Int>?
    var testDescription: String { type.name }
  }

  /// Source: ggml's comments on its blocks.
  private static let forms: [Form] = [
    Form(type: .q8_0, valuesPerPart: 32, numbers: -128...127),
    Form(type: .q4_0, valuesPerPart: 32, numbers: -8...7),
    Form(type: .q4_1, valuesPerPart: 32, numbers: 0...15),
    Form(type: .q5_0, valuesPerPart: 32, numbers: -16...15),
    Form(type: .q5_1, valuesPerPart: 32, numbers: 0...31),
    Form(type: .q2_K, valuesPerPart: 16, numbers: 0...3),
    Form(type: .q3_K, valuesPerPart: 16, numbers: -4...3),
    Form(type: .q4_K, valuesPerPart: 32, numbers: 0...15),
    Form(type: .q5_K, valuesPerPart: 32, numbers: 0...31),
    Form(type: .q6_K, valuesPerPart: 16, numbers: -32...31),
    Form(type: .iq4_NL, valuesPerPart: 32, numbers: nil),
    Form(type: .iq4_XS, valuesPerPart: 32, numbers: nil),
    Form(type: .tq1_0, valuesPerPart: 256, numbers: -1...1),
    Form(type: .tq2_0, valuesPerPart: 256, numbers: -1...1),
    Form(type: .q2_0, valuesPerPart: 64, numbers: -1...2),
  ]

  /// Source: `kvalues_iq4nl` of ggml.
  private static let levels: [Float] = [
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
  ]

  private static let panel = Int(WEIGHTMILL_PANEL)

  /// All numbers of a form, from the one that is stored as 0 on.
  private static func numbers(_ form: Form) -> [Float] { form.numbers?.map(Float.init) ?? levels }

  @Test func theTypesAreThoseOfSearchedScalesAndQ8_0() {
    let taken = TensorType.allCases.filter { SteppedBlocks($0) != nil }
    #expect(Set(taken) == Set(Self.forms.map(\.type)))
  }

  @Test(arguments: [
    TensorType.iq1_S, .iq1_M, .iq2_XXS, .iq2_XS, .iq2_S, .iq3_XXS, .iq3_S, .mxfp4, .q1_0, .nvfp4,
    .q8_1, .q8_K, .f32, .f16, .bf16,
  ])
  func otherTypesHaveNoSteps(type: TensorType) { #expect(SteppedBlocks(type) == nil) }

  @Test(arguments: forms)
  private func partsAndNumbersAreThoseOfTheType(form: Form) throws {
    let blocks = try #require(SteppedBlocks(form.type))
    #expect(blocks.type == form.type)
    #expect(blocks.valuesPerPart == form.valuesPerPart)
    #expect(blocks.parts == form.type.valuesPerBlock / form.valuesPerPart)
    #expect(blocks.isUneven == (form.numbers == nil))
    if let numbers = form.numbers {
      #expect(blocks.numbers == Float(numbers.lowerBound)...Float(numbers.upperBound))
    }
  }

  /// Rows of one block each: as models have them, with zeros among them, and rows that are all 0.
  private func values(_ form: Form, rows: Int) -> [Float] {
    var random = SeededGenerator(seed: 81)
    return (0..<rows).flatMap { row in
      (0..<form.type.valuesPerBlock).map { index -> Float in
        let value = 0.03 * random.gaussian() * (row == 2 ? random.gaussian() : 1)
        return row == 5 || row == 6 && index < form.valuesPerPart ? 0 : value
      }
    }
  }

  private func fit(
    _ stepped: SteppedBlocks, _ values: [Float], rows: Int, _ kernel: EncoderKernel = .best,
    into blocks: inout SteppedBlocks.Blocks
  ) -> Bool {
    let weights = (0..<stepped.type.valuesPerBlock).map { 0.5 + Float($0 % 7) }
    return stepped.fit(values, rows: rows, weights: weights, search: kernel, into: &blocks)
  }

  /// Packs rows with numbers, as they are stored, and decodes them.
  private func stored(
    _ stepped: SteppedBlocks, _ blocks: inout SteppedBlocks.Blocks, rows: Int, _ numbers: [UInt8]
  ) throws -> [Float] {
    let type = stepped.type
    var bytes = [UInt8](repeating: 0xAA, count: rows * type.bytesPerBlock)
    bytes.withUnsafeMutableBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      for row in 0..<rows {
        stepped.pack(&blocks, row: row, numbers: numbers, base + row * type.bytesPerBlock)
      }
    }
    var decoded = [Float](repeating: .nan, count: rows * type.valuesPerBlock)
    try RowDecoder(type, location: "test").decode(bytes, into: &decoded)
    return decoded
  }

  @Test(arguments: forms, [1, 7, 16])
  private func nearestNumbersDecodeToStepsTimesThem(form: Form, rows: Int) throws {
    let stepped = try #require(SteppedBlocks(form.type))
    let (values, all) = (values(form, rows: rows), Self.numbers(form))
    var blocks = SteppedBlocks.Blocks()
    #expect(fit(stepped, values, rows: rows, into: &blocks))
    let size = form.type.valuesPerBlock
    var numbers = [UInt8](repeating: 0, count: size * Self.panel)
    var expected = values
    for row in 0..<rows {
      for column in 0..<size {
        let part = column / form.valuesPerPart * Self.panel + row
        let candidates = all.map { blocks.steps[part] * $0 - blocks.offsets[part] }
        let distances = candidates.map { abs($0 - values[row * size + column]) }
        let nearest = try #require(distances.indices.min { distances[$0] < distances[$1] })
        numbers[column * Self.panel + row] = UInt8(nearest)
        expected[row * size + column] = candidates[nearest]
      }
    }
    #expect(try stored(stepped, &blocks, rows: rows, numbers) == expected)
    let error = zip(values, expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let power = values.reduce(0) { $0 + $1 * $1 }
    #expect(error < (all.count <= 4 ? 0.4 : 0.1) * power)
  }

  /// Whoever chooses numbers may choose any of the type.
  @Test(arguments: forms)
  private func everyNumberDecodesToStepsTimesIt(form: Form) throws {
    let stepped = try #require(SteppedBlocks(form.type))
    let (size, rows, all) = (form.type.valuesPerBlock, Self.panel, Self.numbers(form))
    var blocks = SteppedBlocks.Blocks()
    #expect(fit(stepped, values(form, rows: rows), rows: rows, into: &blocks))
    for turn in 0..<2 {
      let numbers = (0..<size * rows).map { index in
        UInt8((turn * 128 + index / rows + 11 * (index % rows)) % all.count)
      }
      let decoded = try stored(stepped, &blocks, rows: rows, numbers)
      let wrong = numbers.indices.filter { index in
        let (row, column) = (index % rows, index / rows)
        let part = column / form.valuesPerPart * Self.panel + row
        let number = all[Int(numbers[index])]
        return decoded[row * size + column] != blocks.steps[part] * number - blocks.offsets[part]
      }
      #expect(wrong.isEmpty)
    }
  }

  @Test(arguments: forms, 0...2)
  private func stepsAreTheSameAtEveryLevelAndBesideAnyRows(form: Form, level: Int) throws {
    try requireInstructions(level, available: EncoderKernel.available.count - 1)
    let kernel = [EncoderKernel.lanes4, .lanes8, .lanes16][level]
    let stepped = try #require(SteppedBlocks(form.type))
    let (size, values) = (form.type.valuesPerBlock, values(form, rows: Self.panel))
    var together = SteppedBlocks.Blocks()
    #expect(fit(stepped, values, rows: Self.panel, .lanes4, into: &together))
    for row in 0..<Self.panel {
      var alone = SteppedBlocks.Blocks()
      let one = Array(values[row * size..<(row + 1) * size])
      #expect(fit(stepped, one, rows: 1, kernel, into: &alone))
      for part in 0..<stepped.parts {
        #expect(alone.steps[part * Self.panel] == together.steps[part * Self.panel + row])
        #expect(alone.offsets[part * Self.panel] == together.offsets[part * Self.panel + row])
      }
    }
  }

  @Test(arguments: forms)
  private func valuesBeyondTheRangeAreReported(form: Form) throws {
    let stepped = try #require(SteppedBlocks(form.type))
    let size = form.type.valuesPerBlock
    var blocks = SteppedBlocks.Blocks()
    var values = values(form, rows: Self.panel)
    #expect(fit(stepped, values.map { 1e5 * $0 }, rows: Self.panel, into: &blocks))
    values[9 * size + 3] = -1e12
    #expect(!fit(stepped, values, rows: Self.panel, into: &blocks))
    #expect(!fit(stepped, values, rows: 10, into: &blocks))
    // What was too large before is no longer there.
    #expect(fit(stepped, values, rows: 9, into: &blocks))
    #expect(fit(stepped, Array(values[10 * size..<12 * size]), rows: 2, into: &blocks))
  }
}
