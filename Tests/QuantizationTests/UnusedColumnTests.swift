import Foundation
import Testing
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport

/// Columns that a calibration text never used: importance 0.
struct UnusedColumnTests {
  private static let types = RowEncoder.types.filter { !$0.isScalar }
  private static let columns = 1024
  private static let rows = 8

  /// Which columns were never used.
  enum Pattern: CaseIterable {
    case all, allButOneOfEachBlock, wholeBlocks, partsOfBlocks, halfParts, everyOther, scattered,
      few

    func isUnused(_ column: Int) -> Bool {
      switch self {
      case .all: true
      case .allButOneOfEachBlock: column % 256 != 77
      case .wholeBlocks: column / 256 % 2 == 1
      case .partsOfBlocks: column / 32 % 3 == 1
      case .halfParts: column / 16 % 2 == 1
      case .everyOther: column % 2 == 1
      case .scattered: column * 37 % 101 < 50
      case .few: column % 29 == 3
      }
    }
  }

  private let values: [Float]
  private let importance: [Float]

  init() {
    var random = SeededGenerator(seed: 71)
    values = (0..<Self.columns * Self.rows).map { _ in 0.02 * random.gaussian() }
    importance = (0..<Self.columns).map { _ in Foundation.exp(1.5 * random.gaussian()) }
  }

  /// The importance of a text that never used some columns.
  private func importance(_ pattern: Pattern, unused: Float = 0) -> [Float] {
    importance.enumerated().map { pattern.isUnused($0.offset) ? unused : $0.element }
  }

  private func encoded(_ type: TensorType, _ importance: [Float]?) throws -> [UInt8] {
    try encoded(values, type, importance, EncoderKernel.best)
  }

  private func encoded(
    _ values: [Float], _ type: TensorType, _ importance: [Float]?, _ search: any ScaleSearch
  ) throws -> [UInt8] {
    var bytes = [UInt8](
      repeating: 0xAA, count: values.count / type.valuesPerBlock * type.bytesPerBlock)
    let encoder = try RowEncoder(
      type, guide: importance.map(EncodingGuide.importance) ?? .none, columns: Self.columns,
      search: search, location: "test")
    _ = encoder.encode(values, into: &bytes)
    return bytes
  }

  /// The squared error that importance leaves, weighted by column, over that without importance.
  private func errorRatio(
    _ type: TensorType, _ importance: [Float], _ weight: (Int) -> Float
  ) throws -> Double {
    func error(_ bytes: [UInt8]) throws -> Double {
      var decoded = [Float](repeating: .nan, count: values.count)
      try RowDecoder(type, location: "test").decode(bytes, into: &decoded)
      return values.indices.reduce(0) { sum, index in
        let distance = Double(values[index]) - Double(decoded[index])
        return sum + distance * distance * Double(weight(index % Self.columns))
      }
    }
    return try error(encoded(type, importance)) / error(encoded(type, nil))
  }

  @Test(arguments: types, Pattern.allCases)
  func unusedColumnsKeepTheirWeights(type: TensorType, pattern: Pattern) throws {
    let ratio = try errorRatio(type, importance(pattern)) { pattern.isUnused($0) ? 1 : 0 }
    // Two numbers, or four: with few such columns, chance moves the ratio by a quarter. In 400 rows it
    // is 1.02 to 1.07.
    #expect(ratio <= ([.q1_0, .q2_0].contains(type) && pattern == .few ? 1.3 : 1.1))
  }

  /// Numbers so small that nothing can be computed with them are zeros; 1e-42 is subnormal.
  @Test(arguments: types, [1e-20, 1e-30, 1e-42] as [Float])
  func hardlyUsedColumnsKeepTheirWeights(type: TensorType, unused: Float) throws {
    for pattern in [Pattern.allButOneOfEachBlock, .wholeBlocks] {
      let importance = importance(pattern, unused: unused)
      let ratio = try errorRatio(type, importance) { pattern.isUnused($0) ? 1 : 0 }
      #expect(ratio <= 1.1)
    }
  }

  /// What the text used is kept better than without importance, whatever lies beside it.
  @Test(
    arguments: types.filter { $0 != .q8_0 },
    [Pattern.wholeBlocks, .partsOfBlocks, .halfParts, .everyOther, .scattered, .few])
  func usedColumnsGainByTheirImportance(type: TensorType, pattern: Pattern) throws {
    let importance = importance(pattern)
    #expect(try errorRatio(type, importance) { importance[$0] } < 0.99)
  }

  /// In real models a few columns make the mean of a row's importance; a share of it that is added to each
  /// column would make all others alike.
  @Test(arguments: types.filter { $0 != .q8_0 })
  func aColumnThatMakesTheMeanHidesNoOther(type: TensorType) throws {
    var importance = importance
    importance[5] = 1e5
    #expect(try errorRatio(type, importance) { $0 < 256 ? 0 : self.importance[$0] } < 0.99)
  }

  /// An offset and a scale that are fitted to one column leave a constant of the others.
  @Test(arguments: types, [1e-6, 1e-8, 1e-11] as [Float])
  func oneColumnDoesNotRuinTheOthers(type: TensorType, others: Float) throws {
    let importance = (0..<Self.columns).map { $0 % 32 == 7 ? 1 : others }
    let ratio = try errorRatio(type, importance) { $0 % 32 == 7 ? 0 : 1 }
    #expect(ratio < 20)
    if type == .q4_1 || type == .q5_1 { #expect(ratio < 2) }
  }

  @Test(arguments: types)
  func allKernelsGiveTheSameBytes(type: TensorType) throws {
    // Plain Swift is slow.
    for pattern in [Pattern.wholeBlocks, .scattered] {
      let row = Array(values.prefix(Self.columns))
      let expected = try encoded(row, type, importance(pattern), PlainSearch())
      for kernel in EncoderKernel.available {
        #expect(try encoded(row, type, importance(pattern), kernel) == expected, "\(kernel)")
      }
    }
  }

  @Test(arguments: types)
  func zerosInOneBlockChangeNoOther(type: TensorType) throws {
    var zeros = importance
    // The mean stays what it was: it is a part of every weight.
    zeros[0] += zeros[1]
    zeros[1] = 0
    let changed = try zip(encoded(type, importance), encoded(type, zeros)).enumerated()
      .filter { $0.element.0 != $0.element.1 }.map { $0.offset / type.bytesPerBlock }
    let blocksPerRow = Self.columns / type.valuesPerBlock
    #expect(changed.allSatisfy { $0 % blocksPerRow == 0 })
  }

  // MARK: Importance that is none

  private func encoder(_ importance: [Float], columns: Int = 64) throws -> RowEncoder {
    try RowEncoder(.q4_0, guide: .importance(importance), columns: columns, location: "x")
  }

  /// 16 columns divide 64, but an encoder reads the importance of 32 columns for each block.
  @Test func importanceIsThatOfTheColumns() throws {
    _ = try encoder([Float](repeating: 1, count: 64))
    for count in [0, 16, 32, 63, 65, 128] {
      expectError(.mismatch) { _ = try encoder([Float](repeating: 1, count: count)) }
    }
  }

  @Test func importanceIsFiniteAndNotNegative() {
    for wrong in [Float.nan, .infinity, -.infinity, -1, -1e-45] {
      let importance = [Float](repeating: 1, count: 63) + [wrong]
      let error = expectError(.malformed) { _ = try encoder(importance) }
      #expect(error?.description.contains("column 63") == true)
    }
  }
}
