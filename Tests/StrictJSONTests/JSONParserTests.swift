import Testing
import WeightmillStrictJSON
import WeightmillTensors
import WeightmillTestSupport

/// RFC 8259, and nothing else.
struct JSONParserTests {
  private func parse(_ text: String) throws -> JSONValue {
    try JSONParser.parse(Array(text.utf8), file: "test")
  }

  @Test(arguments: [
    "", "{", "[1,]", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "\u{FEFF}{}", "01", "1.", ".5", "+1", "1e",
    "nul", "NaN", "Infinity", "'a'", "\"\u{1}\"", "\"\\x\"", "\"\\ud800\"", "\"\\ud800\\u0041\"",
    "\"\\u12g4\"", "{} {}", "// c\n{}", "{a:1}", "[1 2]", "\"", "{\"a\"}", "-",
  ])
  func whatIsNotJSONIsRefused(text: String) {
    expectError(.malformed) { _ = try parse(text) }
  }

  @Test func invalidUTF8IsRefused() {
    expectError(.malformed) { _ = try JSONParser.parse([0x22, 0xFF, 0x22], file: "test") }
  }

  @Test func nestingHasALimit() throws {
    let deep = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
    _ = try parse(deep)
    expectError(.malformed) { _ = try parse("[" + deep + "]" + "]") }
    expectError(.malformed) { _ = try parse(String(repeating: "[", count: 1_000_000)) }
  }

  @Test func valuesHaveALimit() throws {
    let most = JSONParser.maximumValues
    _ = try parse("[" + String(repeating: "1,", count: most - 2) + "1]")
    expectError(.malformed) { _ = try parse("[" + String(repeating: "1,", count: most) + "1]") }
  }

  @Test func namesThatDifferInNormalizationStayApart() throws {
    let object = try #require(try parse("{\"\u{E9}\":1,\"e\u{301}\":2}").object)
    #expect(object["\u{E9}"]?.integer == 1)
    #expect(object["e\u{301}"]?.integer == 2)
  }

  @Test func valuesAreReadAsWritten() throws {
    let text = #" {"a": [1, -2.5e3, true, null], "b": "x\u0041\ud83e\udd14\n", "c": {}} "#
    let object = try #require(try parse(text).object)
    #expect(object["a"]?.array?[0].integer == 1)
    #expect(object["a"]?.array?[1].double == -2500)
    #expect(object["a"]?.array?[1].integer == nil)
    #expect(object["a"]?.array?[2].bool == true)
    #expect(object["a"]?.array?[3] == .null)
    #expect(object["b"]?.string == "xA🤔\n")
    #expect(object["c"]?.object?.members.isEmpty == true)
  }

  @Test func valuesAreWrittenAsTheyWereRead() throws {
    let text = #"{"a":[1,-2.5e3,true,null],"b":"x\"\\\u0001","c":{}}"#
    #expect(try parse(text).description == text)
    #expect(try parse(parse(text).description) == parse(text))
  }

  @Test func textForPeopleHoldsTheSameValues() throws {
    let text = #"{"a":[1,{"b":[]}],"c\"":{},"d":"x\n","e":1e-06}"#
    let indented = try parse(text).indented
    #expect(try parse(indented) == parse(text))
    #expect(
      indented == """
        {
          "a": [
            1,
            {
              "b": []
            }
          ],
          "c\\"": {},
          "d": "x\\u000a",
          "e": 1e-06
        }

        """)
  }

  @Test func membersKeepTheirPlaceWhenTheyChange() throws {
    var object = try #require(try parse(#"{"a":1,"b":2,"c":3}"#).object)
    object["b"] = .null
    object["d"] = .bool(true)
    object["a"] = nil
    #expect(JSONValue.object(object).description == #"{"b":null,"c":3,"d":true}"#)
  }

  @Test(arguments: ["2.0", "1e3", "-0", "9223372036854775808", "true", "\"1\""])
  func sizesMustBeWrittenAsIntegers(text: String) throws {
    #expect(try parse(text).integer == nil)
  }
}
