import Foundation
import Testing
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport

/// Types whose scales are searched: bytes that do not depend on the code that searches, and errors that
/// are not above llama.cpp's.
struct SearchTests {
  /// Those of `SearchedFormat`, and Q8_0.
  private static let types: [TensorType] = [
    .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q2_K, .q3_K, .q4_K, .q5_K, .q6_K, .iq4_NL, .iq4_XS, .tq1_0,
    .tq2_0, .q2_0,
  ]

  private func encode(
    _ values: [Float], _ type: TensorType, importance: [Float]? = nil,
    method: EncodingMethod = .best, search: any ScaleSearch = EncoderKernel.best
  ) throws -> (bytes: [UInt8], faults: EncodingFaults) {
    var bytes = [UInt8](
      repeating: 0xAA, count: values.count / type.valuesPerBlock * type.bytesPerBlock)
    let encoder = try RowEncoder(
      type, method: method, guide: importance.map(EncodingGuide.importance) ?? .none,
      columns: importance?.count ?? 256, search: search, location: "test")
    let faults = encoder.encode(values, into: &bytes)
    return (bytes, faults)
  }

  private func decode(_ bytes: [UInt8], _ type: TensorType) throws -> [Float] {
    var values = [Float](
      repeating: .nan, count: bytes.count / type.bytesPerBlock * type.valuesPerBlock)
    try RowDecoder(type, location: "test").decode(bytes, into: &values)
    return values
  }

  // MARK: Kernels

  /// Rows of 512 values: ordinary ones, heavy tails, spikes, steps, all magnitudes, zeros.
  private func rows() -> [Float] {
    var random = SeededGenerator(seed: 17)
    var values: [Float] = []
    func add(_ value: (Int) -> Float) { values += (0..<512).map(value) }
    for _ in 0..<9 { add { _ in 0.02 * random.gaussian() } }
    add { _ in random.gaussian() * random.gaussian() * random.gaussian() }
    add { $0 % 37 == 5 ? 40 : 0.01 * random.gaussian() }
    add { Float($0 / 32) }
    add { _ in 1 }
    add { _ in -0.25 }
    add { _ in 0 }
    add { _ in 1e-9 * random.gaussian() }
    add { _ in 1e5 * random.gaussian() }
    add { _ in 1e30 * random.gaussian() }
    add { index in Float(sign: .plus, exponent: index / 4 - 64, significand: random.gaussian()) }
    return values
  }

  @Test(arguments: types.flatMap { [($0, false), ($0, true)] }, 0...2)
  func allKernelsGiveTheSameBytes(
    sample: (type: TensorType, isGuided: Bool), level: Int
  ) throws {
    try requireInstructions(level, available: EncoderKernel.available.count - 1)
    let kernel = [EncoderKernel.lanes4, .lanes8, .lanes16][level]
    let (type, isGuided) = sample
    var random = SeededGenerator(seed: 18)
    let importance =
      isGuided ? (0..<512).map { _ in random.gaussian() * random.gaussian() }.map(abs) : nil
    let values = rows()
    let expected = try encode(values, type, importance: importance, search: PlainSearch())
    let found = try encode(values, type, importance: importance, search: kernel)
    #expect(found.bytes == expected.bytes)
    #expect(found.faults == expected.faults)
  }

  @Test(arguments: types)
  func aBlockDoesNotDependOnItsNeighbours(type: TensorType) throws {
    let values = rows()
    let together = try encode(values, type).bytes
    let alone = try stride(from: 0, to: values.count, by: 256).flatMap {
      try encode(Array(values[$0..<$0 + 256]), type).bytes
    }
    #expect(together == alone)
  }

  // MARK: llama.cpp's vectors

  private func vectors() throws -> (rows: [[Float]], importance: [Float], encoded: [String: Any]) {
    let json = try Fixtures.json("\(Fixtures.package)/formats/vectors/encode_vectors.json")
    let file = try #require(json as? [String: Any])
    let rows = try #require(file["rows"] as? [String]).map { floats(bytes(hex: $0)) }
    let importance = floats(bytes(hex: try #require(file["imatrix"] as? String)))
    return (rows, importance, try #require(file["encode"] as? [String: Any]))
  }

  /// ggml's functions are named in lower case, but for the K of the k-quants.
  private func key(_ type: TensorType) -> String {
    type.name.hasSuffix("_K") ? type.name.lowercased().dropLast() + "K" : type.name.lowercased()
  }

  @Test(arguments: types + [.mxfp4, .q1_0], ["none", "imatrix"])
  func noRowHasALargerErrorThanLlamaCpps(type: TensorType, mode: String) throws {
    let (rows, importance, encoded) = try vectors()
    let theirs = bytes(
      hex: try #require((encoded[key(type)] as? [String: String])?[mode]))
    let weights = mode == "none" ? [Float](repeating: 1, count: importance.count) : importance
    let size = theirs.count / rows.count
    for (index, row) in rows.enumerated() {
      func error(_ bytes: [UInt8]) throws -> Double {
        zip(zip(row, try decode(bytes, type)), weights).reduce(0) { sum, item in
          let distance = Double(item.0.0) - Double(item.0.1)
          return sum + Double(item.1) * distance * distance
        }
      }
      let ours = try encode(row, type, importance: mode == "none" ? nil : importance).bytes
      let limit = try error(Array(theirs[index * size..<(index + 1) * size]))
      #expect(try error(ours) <= limit, "row \(index)")
    }
  }

  @Test(arguments: [TensorType.q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q6_K])
  func compatibleBytesAreLlamaCpps(type: TensorType) throws {
    let (rows, _, encoded) = try vectors()
    let theirs = try #require((encoded[key(type)] as? [String: String])?["none"])
    let ours = try encode(rows.flatMap { $0 }, type, method: .compatible).bytes
    #expect(ours == bytes(hex: theirs))
  }

  @Test func otherTypesHaveNoCompatibleEncoder() {
    expectError(.unsupported) {
      _ = try RowEncoder(.q4_K, method: .compatible, columns: 256, location: "x")
    }
  }

  // MARK: Odd blocks

  @Test(arguments: types)
  func nothingIsLostOfEvenBlocks(type: TensorType) throws {
    for level: Float in [0, 1, -0.25] {
      let faults = try encode([Float](repeating: level, count: 256), type).faults
      #expect(faults.overflowed == 0 && faults.lost == 0)
    }
  }

  @Test(arguments: types)
  func aSpikeAmongZerosLosesNothing(type: TensorType) throws {
    var values = [Float](repeating: 0, count: 256)
    values[100] = -7
    let (bytes, faults) = try encode(values, type)
    #expect(faults.lost == 0)
    #expect(abs(try decode(bytes, type)[100] + 7) < 0.2)
  }

  @Test(arguments: types)
  func valuesOfATernaryModelAreKept(type: TensorType) throws {
    let values = (0..<256).map { Float(($0 * 7) % 3 - 1) * 0.5 }
    let decoded = try decode(try encode(values, type).bytes, type)
    for (value, found) in zip(values, decoded) { #expect(abs(value - found) < 0.03) }
  }
}
