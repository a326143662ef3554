import Testing
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport

/// What must hold of encoding whatever the values are.
struct BlockPropertyTests {
  private func roundTrip(_ values: [Float], _ type: TensorType) throws -> (
    values: [Float], lost: Int
  ) {
    var bytes = [UInt8](
      repeating: 0xAA, count: values.count / type.valuesPerBlock * type.bytesPerBlock)
    let lost = try RowEncoder(type, columns: values.count, location: "test").encode(
      values, into: &bytes
    ).overflowed
    var decoded = [Float](repeating: .nan, count: values.count)
    try RowDecoder(type, location: "test").decode(bytes, into: &decoded)
    return (decoded, lost)
  }

  @Test(arguments: [(TensorType.q8_0, Float(1.0 / 127)), (.q4_0, 1.0 / 8), (.q6_K, 1.0 / 25)])
  func theErrorIsWithinAStep(type: TensorType, step: Float) throws {
    var random = SeededGenerator(seed: 3)
    for _ in 0..<50 {
      let values = (0..<256).map { _ in random.gaussian() }
      let decoded = try roundTrip(values, type).values
      for block in stride(from: 0, to: 256, by: 32) {
        let largest = values[block..<block + 32].map(abs).max() ?? 0
        for index in block..<block + 32 {
          #expect(abs(decoded[index] - values[index]) <= largest * step * 1.01)
        }
      }
    }
  }

  @Test(arguments: RowEncoder.types)
  func zerosStayZeros(type: TensorType) throws {
    #expect(try roundTrip([Float](repeating: 0, count: 256), type).values.allSatisfy { $0 == 0 })
  }

  @Test(arguments: RowEncoder.types)
  func tinyValuesNeitherTrapNorGrow(type: TensorType) throws {
    for tiny in [Float.leastNonzeroMagnitude, .leastNormalMagnitude, 1e-30, 1e-20] {
      let decoded = try roundTrip([Float](repeating: tiny, count: 256), type).values
      #expect(decoded.allSatisfy { abs($0) <= 2 * tiny })
    }
  }

  @Test(arguments: [TensorType.q8_0, .q4_0, .q6_K])
  func scalesBeyondTheirRangeAreReported(type: TensorType) throws {
    var values = [Float](repeating: 1, count: 256)
    values[5] = 3e38
    #expect(try roundTrip(values, type).lost > 0)
  }

  @Test func plainTypesKeepTheirValues() throws {
    let values: [Float] =
      [0, -0.0, 1, -2.5, 0.333984375, 65504] + [Float](repeating: 7, count: 250)
    for type in [TensorType.f32, .f16] {
      #expect(try roundTrip(values, type).values.map(\.bitPattern) == values.map(\.bitPattern))
    }
  }

  @Test func nonFiniteValuesAreCountedAndFound() {
    var values = [Float](repeating: 1, count: 64)
    #expect(FloatScan.firstNonFinite(values) == nil)
    values[40] = .nan
    values[41] = -.infinity
    #expect(FloatScan.firstNonFinite(values) == 40)
    #expect(FloatScan.nonFinite([0x00, 0x7C, 0x01, 0xFE, 0x00, 0x3C], count: 3, type: .f16) == 2)
    #expect(FloatScan.nonFinite([0x80, 0x7F, 0x80, 0x3F], count: 2, type: .bf16) == 1)
    #expect(
      FloatScan.nonFinite(
        [0, 0, 0, 0, 0, 0, 0xF0, 0xFF, 0, 0, 0, 0, 0, 0, 0xE0, 0x7F], count: 2, type: .f64) == 1)
    #expect(FloatScan.nonFinite(values) == 2)
    #expect(FloatScan.nonFinite([0, 0, 0x80, 0x7F, 0, 0, 0x80, 0x3F], count: 2, type: .f32) == 1)
  }

  @Test(arguments: Set(TensorType.allCases).subtracting(RowDecoder.types))
  func typesThatAreNoWeightsAreUnsupported(type: TensorType) {
    expectError(.unsupported) { _ = try RowDecoder(type, location: "x") }
  }

  // MARK: Sizes

  @Test(arguments: RowEncoder.types.filter { !$0.isScalar })
  func rowsAreWholeBlocks(type: TensorType) throws {
    _ = try RowEncoder(type, columns: 256, location: "x")
    for columns in [-256, 1, 255, 257] {
      expectError(.unsupported) { _ = try RowEncoder(type, columns: columns, location: "x") }
    }
  }

  private func encode(values: Int, into bytes: Int, at offset: Int = 0) throws {
    var bytes = [UInt8](repeating: 0, count: bytes)
    _ = try RowEncoder(.q4_0, columns: 64, location: "x").encode(
      [Float](repeating: 1, count: values), into: &bytes, at: offset)
  }

  /// Two rows of two blocks of 18 bytes each.
  @Test func anEncoderWritesWholeRowsWhereThereIsRoom() async throws {
    try encode(values: 128, into: 72)
    try encode(values: 128, into: 73, at: 1)
    try encode(values: 0, into: 0)
    await #expect(processExitsWith: .failure) {
      try BlockPropertyTests().encode(values: 96, into: 72)
    }
    await #expect(processExitsWith: .failure) {
      try BlockPropertyTests().encode(values: 128, into: 71)
    }
    await #expect(processExitsWith: .failure) {
      try BlockPropertyTests().encode(values: 128, into: 72, at: 1)
    }
    await #expect(processExitsWith: .failure) {
      try BlockPropertyTests().encode(values: 128, into: 72, at: -1)
    }
  }

  @Test(arguments: RowEncoder.types)
  func rowsDoNotDependOnTheirStrip(type: TensorType) throws {
    var random = SeededGenerator(seed: 31)
    let (columns, rows) = (512, 3)
    let values = (0..<columns * rows).map { _ in random.gaussian() }
    let importance = (0..<columns).map { _ in abs(random.gaussian()) }
    let encoder = try RowEncoder(
      type, guide: .importance(importance), columns: columns, location: "x")
    let size = columns / type.valuesPerBlock * type.bytesPerBlock
    var (together, alone) = (
      [UInt8](repeating: 0, count: rows * size), [UInt8](repeating: 0, count: rows * size)
    )
    _ = encoder.encode(values, into: &together)
    for row in 0..<rows {
      _ = encoder.encode(
        Array(values[row * columns..<(row + 1) * columns]), into: &alone, at: row * size)
    }
    #expect(together == alone)
  }

  @Test func otherTypesCannotBeWrittenYet() {
    expectError(.unsupported) { _ = try RowEncoder(.i8, columns: 32, location: "x") }
  }
}
