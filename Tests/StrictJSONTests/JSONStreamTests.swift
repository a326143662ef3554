import Testing
import WeightmillStrictJSON
import WeightmillTensors
import WeightmillTestSupport

/// Piece by piece, the same texts are read and refused as whole.
struct JSONStreamTests {
  /// Reads a text as nested objects and arrays, whatever it holds; gives the values in them.
  private func values(_ text: String) throws -> [JSONValue] {
    var stream = JSONStream(Array(text.utf8), file: "test")
    var values: [JSONValue] = []
    try Self.read(&stream, &values)
    try stream.end()
    return values
  }

  private static func read(
    _ stream: inout JSONStream, _ values: inout [JSONValue]
  ) throws(WeightmillError) {
    switch stream.kind {
    case .object:
      try stream.object { (name, stream) throws(WeightmillError) in
        values.append(.string(name))
        try read(&stream, &values)
      }
    case .array:
      try stream.array { (stream) throws(WeightmillError) in try read(&stream, &values) }
    case .string: values.append(.string(try stream.string()))
    default: values.append(try stream.value(limit: 1))
    }
  }

  @Test func valuesComeInOrder() throws {
    let text = #" { "a" : [ 1 , "x\u0041", { } , [ ] ] , "b": { "c": null, "\u00e9": true } } "#
    #expect(
      try values(text) == [
        .string("a"), .number("1"), .string("xA"), .string("b"), .string("c"), .null,
        .string("é"), .bool(true),
      ])
  }

  @Test(arguments: [
    "", "{", "[1,]", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "\u{FEFF}{}", "01", "1.", "+1", "1e",
    "nul", "NaN", "'a'", "\"\u{1}\"", "\"\\x\"", "\"\\ud800\"", "{} {}", "// c\n{}", "{a:1}",
    "[1 2]", "\"", "{\"a\"}", "-", "[", "[1", "{\"a\":1", "[,1]", "{,}", "{\"a\":}", "[}", "{]",
  ])
  func whatIsNotJSONIsRefused(text: String) {
    expectError(.malformed) { _ = try values(text) }
  }

  @Test func nestingHasALimit() throws {
    // As deep as `JSONParser` goes.
    let deep = String(repeating: "[", count: 101) + String(repeating: "]", count: 101)
    _ = try values(deep)
    _ = try JSONParser.parse(Array(deep.utf8), file: "test")
    expectError(.malformed) { _ = try values("[" + deep + "]") }
    expectError(.malformed) { _ = try JSONParser.parse(Array("[\(deep)]".utf8), file: "test") }
    expectError(.malformed) { _ = try values(String(repeating: "[", count: 1_000_000)) }
    expectError(.malformed) { _ = try values(String(repeating: "{\"a\":", count: 1_000_000)) }
  }

  @Test func aWholeValueHasALimitAndCountsItsDepth() throws {
    var stream = JSONStream(Array("[[1,2,3]]".utf8), file: "test")
    try stream.array { (stream) throws(WeightmillError) in _ = try stream.value(limit: 4) }
    stream = JSONStream(Array("[[1,2,3]]".utf8), file: "test")
    expectError(.malformed) {
      try stream.array { (stream) throws(WeightmillError) in _ = try stream.value(limit: 3) }
    }
    let deep = String(repeating: "[", count: 102) + String(repeating: "]", count: 102)
    stream = JSONStream(Array(deep.utf8), file: "test")
    expectError(.malformed) {
      try stream.array { (stream) throws(WeightmillError) in _ = try stream.value(limit: 1000) }
    }
  }

  @Test func anotherKindThanAskedForIsAnError() {
    var stream = JSONStream(Array("1".utf8), file: "test")
    expectError(.malformed) { try stream.object { (_, _) throws(WeightmillError) in } }
    expectError(.malformed) { try stream.array { (_) throws(WeightmillError) in } }
    expectError(.malformed) { _ = try stream.string() }
  }
}
