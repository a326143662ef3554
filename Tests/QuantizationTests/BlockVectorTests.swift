import Foundation
import Testing
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport

/// Blocks decode and encode bit for bit as ggml's do (`formats/vectors`).
struct BlockVectorTests {
  /// All types but F32, whose bits are copied.
  private static let types = RowDecoder.types.filter { $0 != .f32 }

  private func vectors(_ name: String) throws -> [String: Any] {
    let json = try Fixtures.json("\(Fixtures.package)/formats/vectors/\(name).json")
    return try #require(json as? [String: Any])
  }

  /// ggml's functions are named in lower case, but for the K of the k-quants.
  private func key(_ type: TensorType) -> String {
    type.name.hasSuffix("_K") ? type.name.lowercased().dropLast() + "K" : type.name.lowercased()
  }

  @Test(arguments: types.filter { !$0.isScalar && $0 != .q8_1 })
  func blocksDecodeToTheSameBits(type: TensorType) throws {
    let decode = try #require(
      try vectors("decode_vectors")["decode"] as? [String: [[String: String]]])
    let cases = try #require(decode[key(type)])
    #expect(cases.count == 4)
    for block in cases {
      let expected = floats(bytes(hex: try #require(block["out"])))
      #expect(expected.count == type.valuesPerBlock)
      var values = [Float](repeating: 0, count: expected.count)
      try RowDecoder(type, location: "vector").decode(
        bytes(hex: try #require(block["in"])), into: &values)
      #expect(values.map(\.bitPattern) == expected.map(\.bitPattern))
    }
  }

  /// The digest of what bytes decode to, NaN being always the same.
  private func digest(_ bytes: [UInt8], _ type: TensorType) throws -> String {
    let count = bytes.count / type.bytesPerBlock * type.valuesPerBlock
    var values = [Float](repeating: 0, count: count)
    try RowDecoder(type, location: "vector").decode(bytes, into: &values)
    var all = Bytes()
    all.all.reserveCapacity(4 * count)
    for value in values { all.put(value.isNaN ? 0x7FC0_0000 : value.bitPattern) }
    return sha256(all.all)
  }

  /// All bytes the same, then thousands of random blocks: every codebook point, scales that are
  /// infinite, not numbers, negative, subnormal.
  @Test(arguments: types)
  func anyBytesDecodeToTheSameBits(type: TensorType) throws {
    let file = try vectors("decode_digests")
    let item = try #require((file["types"] as? [String: [String: Any]])?[key(type)])
    let constants = bytes(hex: try #require(file["constants"] as? String))
    let uniform = constants.flatMap { [UInt8](repeating: $0, count: type.bytesPerBlock) }
    #expect(try digest(uniform, type) == item["constant"] as? String)

    var random = SeededGenerator(seed: UInt64(try #require(item["seed"] as? Int)))
    let size = try #require(file["blocks"] as? Int) * type.bytesPerBlock
    var blocks = Bytes()
    while blocks.all.count < size { blocks.put(random.next()) }
    #expect(try digest(Array(blocks.all.prefix(size)), type) == item["random"] as? String)
  }
}
