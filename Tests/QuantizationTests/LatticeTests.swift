import Foundation
import Testing
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport

/// The types whose values are signed points of a codebook.
struct LatticeTests {
  private static let types: [TensorType] = [
    .iq1_S, .iq1_M, .iq2_XXS, .iq2_XS, .iq2_S, .iq3_XXS, .iq3_S,
  ]

  private func encode(
    _ values: [Float], _ type: TensorType, importance: [Float]? = nil,
    search: any ScaleSearch = EncoderKernel.best
  ) throws -> (bytes: [UInt8], faults: EncodingFaults) {
    var bytes = [UInt8](repeating: 0xAA, count: values.count / 256 * type.bytesPerBlock)
    let encoder = try RowEncoder(
      type, guide: importance.map(EncodingGuide.importance) ?? .none,
      columns: importance?.count ?? 256, search: search, location: "test")
    let faults = encoder.encode(values, into: &bytes)
    return (bytes, faults)
  }

  private func decode(_ bytes: [UInt8], _ type: TensorType) throws -> [Float] {
    var values = [Float](repeating: .nan, count: bytes.count / type.bytesPerBlock * 256)
    try RowDecoder(type, location: "test").decode(bytes, into: &values)
    return values
  }

  private func error(_ values: [Float], _ others: [Float], _ weights: [Float]) -> Double {
    values.indices.reduce(0) { sum, index in
      let difference = Double(values[index]) - Double(others[index])
      return sum + Double(weights[index]) * difference * difference
    }
  }

  /// `sqrt(2 * mean + x * x)` with the mean of the squares of 256 values: what errors cost without importance.
  private func magnitudeWeights(_ values: [Float]) -> [Float] {
    stride(from: 0, to: values.count, by: 256).flatMap { start in
      let block = values[start..<start + 256]
      let mean = block.reduce(0) { $0 + $1 * $1 } / 256
      return block.map { (2 * mean + $0 * $0).squareRoot() }
    }
  }

  /// Rows of formats/vectors/encode_vectors.json: no row may have more error than the bytes of
  /// llama.cpp give, weighted by importance; without it as the search weighs it, and not weighted.
  ///
  /// llama.cpp writes some of the types only with importance.
  @Test(
    arguments: types.flatMap { type in
      [.iq1_S, .iq1_M, .iq2_XXS, .iq2_XS].contains(type)
        ? [(type, "imatrix")] : [(type, "imatrix"), (type, "none")]
    })
  func noRowIsWorseThanThatOfLlamaCpp(type: TensorType, mode: String) throws {
    let json = try Fixtures.json("\(Fixtures.package)/formats/vectors/encode_vectors.json")
    let file = try #require(json as? [String: Any])
    let encoded = try #require(file["encode"] as? [String: [String: Any]])
    let theirs = try #require(encoded[type.name.lowercased()]?[mode] as? String)
    let rows = try #require(file["rows"] as? [String]).map { floats(bytes(hex: $0)) }
    let matrix = floats(bytes(hex: try #require(file["imatrix"] as? String)))
    let decoded = try decode(bytes(hex: theirs), type)
    for (number, row) in rows.enumerated() {
      let other = Array(decoded[number * row.count..<(number + 1) * row.count])
      let ours = try decode(
        try encode(row, type, importance: mode == "none" ? nil : matrix).bytes, type)
      let ones = [Float](repeating: 1, count: row.count)
      for weights in mode == "none" ? [magnitudeWeights(row), ones] : [matrix] {
        let limit = error(row, other, weights)
        #expect(error(row, ours, weights) <= limit, "\(type.name), row \(number)")
      }
    }
  }

  /// Blocks that are unlike each other, and what columns cost.
  private func blocks() -> (values: [Float], importance: [Float]) {
    var random = SeededGenerator(seed: 11)
    var values: [Float] = []
    func add(_ value: (Int) -> Float) { values += (0..<256).map(value) }
    add { _ in random.gaussian() }
    add { _ in random.gaussian() * abs(random.gaussian()) * 0.03 }
    add { index in index == 77 ? 40 : 0.1 * random.gaussian() }
    add { index in index / 16 % 2 == 0 ? 0 : random.gaussian() * 1e-3 }
    add { index in index == 3 ? -1e-4 : 0 }
    add { _ in 0 }
    add { _ in random.gaussian() * 2e-7 }
    add { _ in random.gaussian() * 1e-30 }
    add { _ in random.gaussian() * 3e5 }
    add { _ in Float.greatestFiniteMagnitude / 8 * random.gaussian() }
    add { index in Float.leastNonzeroMagnitude * Float(index) }
    add { index in Float(sign: .plus, exponent: index / 2 - 64, significand: 1) }
    let importance = (0..<256).map { index -> Float in
      switch index % 32 {
      case 5: 0
      case 9: 1e6 * abs(random.gaussian())
      default: abs(random.gaussian())
      }
    }
    return (values, importance)
  }

  @Test(arguments: types, 0...2)
  func allKernelsGiveTheSameBytes(type: TensorType, level: Int) throws {
    try requireInstructions(level, available: EncoderKernel.available.count - 1)
    let kernel = [EncoderKernel.lanes4, .lanes8, .lanes16][level]
    let (values, importance) = blocks()
    for importance in [nil, importance, [Float](repeating: 0, count: 256)] {
      let expected = try encode(values, type, importance: importance, search: PlainSearch())
      let found = try encode(values, type, importance: importance, search: kernel)
      #expect(found.bytes == expected.bytes)
      #expect(found.faults == expected.faults)
    }
  }

  @Test(arguments: types)
  func noBlockIsWorseThanZeros(type: TensorType) throws {
    let (values, drawn) = blocks()
    let importance = drawn.map { $0 == 0 ? 1 : $0 }
    let mean = importance.reduce(0, +) / 256
    // formats/quantization.md, section 2.40.
    let weights = importance.map { $0 / mean + 0x1p-14 }
    let decoded = try decode(try encode(values, type, importance: importance).bytes, type)
    #expect(decoded.allSatisfy { $0.isFinite })
    let zeros = [Float](repeating: 0, count: 256)
    for start in stride(from: 0, to: values.count, by: 256) {
      // In double precision: the squares of the largest values are beyond binary32.
      let scale = (values[start..<start + 256].map(abs).max() ?? 0)
      guard scale > 1e-6, scale < 1e6 else { continue }
      let block = Array(values[start..<start + 256])
      let ours = Array(decoded[start..<start + 256])
      #expect(error(block, ours, weights) <= error(block, zeros, weights))
    }
  }

  @Test(arguments: types)
  func scalesBeyondTheirRangeAreReported(type: TensorType) throws {
    var values = [Float](repeating: 1, count: 512)
    values[300] = 3e38
    let (bytes, faults) = try encode(values, type)
    #expect(faults.overflowed == 256)
    #expect(try decode(bytes, type).allSatisfy { $0.isFinite })
  }

  @Test(arguments: types)
  func importantColumnsHaveLessError(type: TensorType) throws {
    var random = SeededGenerator(seed: 5)
    let values = (0..<4 * 512).map { _ in random.gaussian() }
    let importance = (0..<512).map { Float($0 % 8 == 0 ? 20 : 1) }
    let plain = try decode(try encode(values, type).bytes, type)
    let weighted = try decode(try encode(values, type, importance: importance).bytes, type)
    let weights = values.indices.map { importance[$0 % 512] }
    #expect(error(values, weighted, weights) < 0.9 * error(values, plain, weights))
  }

  @Test(arguments: types)
  func blocksDoNotDependOnEachOther(type: TensorType) throws {
    let (values, importance) = blocks()
    let single = try stride(from: 0, to: values.count, by: 256).flatMap { start in
      try encode(Array(values[start..<start + 256]), type, importance: importance).bytes
    }
    #expect(try encode(values, type, importance: importance).bytes == single)
  }
}
