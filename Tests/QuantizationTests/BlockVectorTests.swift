import Foundation
import Quantization
import Tensors
import TestSupport
import Testing

/// Blocks decode and encode bit for bit as ggml's do (`formats/vectors`).
struct BlockVectorTests {
  private static let types: [(TensorType, String)] = [
    (.q8_0, "q8_0"), (.q4_0, "q4_0"), (.q6_K, "q6_K"),
  ]

  private func vectors(_ name: String) throws -> [String: Any] {
    let json = try Fixtures.json("\(Fixtures.package)/formats/vectors/\(name)_vectors.json")
    return try #require(json as? [String: Any])
  }

  @Test(arguments: types)
  func blocksDecodeToTheSameBits(type: TensorType, key: String) throws {
    let decode = try #require(try vectors("decode")["decode"] as? [String: [[String: String]]])
    let cases = try #require(decode[key])
    #expect(!cases.isEmpty)
    for block in cases {
      let expected = floats(bytes(hex: try #require(block["out"])))
      var values = [Float](repeating: 0, count: expected.count)
      try RowDecoder(type, location: "vector").decode(
        bytes(hex: try #require(block["in"])), into: &values)
      #expect(values.map(\.bitPattern) == expected.map(\.bitPattern))
    }
  }

  @Test(arguments: types)
  func rowsEncodeToTheSameBytes(type: TensorType, key: String) throws {
    let file = try vectors("encode")
    let rows = try #require(file["rows"] as? [String])
    let expected = try #require((file["encode"] as? [String: [String: String]])?[key]?["none"])
    let values = rows.flatMap { floats(bytes(hex: $0)) }
    #expect(values.count == 3 * 512)
    let size = values.count / type.valuesPerBlock * type.bytesPerBlock
    var encoded = [UInt8](repeating: 0, count: size)
    #expect(try RowEncoder(type, location: "vector").encode(values, into: &encoded) == 0)
    #expect(encoded == bytes(hex: expected))
  }
}
