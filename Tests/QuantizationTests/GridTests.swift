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
    #expect(encoder.encode(values, into: &bytes) == EncodingFaults())
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
}
