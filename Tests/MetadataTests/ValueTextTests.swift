import Testing
import WeightmillGGUF
import WeightmillMetadata
import WeightmillTensors
import WeightmillTestSupport

/// Values as they are typed.
struct ValueTextTests {
  private func read(_ text: String, _ type: String) throws -> GGUFValue {
    try ValueText.value(text, as: #require(ValueType(name: type)), of: "--set x")
  }

  @Test(
    arguments: [
      ("255", "u8", GGUFValue.uint8(255)), ("-128", "i8", .int8(-128)),
      ("65535", "u16", .uint16(65535)),
      ("-32768", "int16", .int16(-32768)), ("4294967295", "u32", .uint32(.max)),
      ("-2147483648", "i32", .int32(.min)), ("18446744073709551615", "u64", .uint64(.max)),
      ("-9223372036854775808", "i64", .int64(.min)), ("1e-5", "f32", .float32(1e-5)),
      ("0.1", "f64", .float64(0.1)), ("-0", "f32", .float32(-0.0)), ("true", "bool", .bool(true)),
      ("u32:1", "str", .string("u32:1")), ("", "str", .string("")),
      (#"["a", "b\u00e9"]"#, "[str]", .strings(["a", "bé"])), ("[]", "[f32]", .array(.float32, [])),
      (" [1, 2]", "[i32]", .array(.int32, [.int32(1), .int32(2)])),
      ("[true]", "[bool]", .array(.bool, [.bool(true)])),
    ] as [(String, String, GGUFValue)])
  func valuesOfEveryTypeAreRead(text: String, type: String, value: GGUFValue) throws {
    #expect(try read(text, type) == value)
    #expect(ValueType(of: value) == ValueType(name: type))
    // What is shown is read again, to the bit.
    #expect(try read(ValueText.text(value), type) == value)
  }

  @Test(arguments: [
    ("256", "u8"), ("-1", "u32"), ("4294967296", "u32"), ("1.5", "i32"), ("", "u32"),
    ("0x10", "u32"),
    ("nan", "f32"), ("1e39", "f32"), ("1e-60", "f32"), ("inf", "f64"), ("1", "bool"),
    ("True", "bool"),
    ("a", "[str]"), ("[1]", "[str]"), (#"["1"]"#, "[u32]"), ("[1.5]", "[u32]"), ("[[1]]", "[u32]"),
    ("{}", "[str]"), ("[null]", "[str]"), ("[true]", "[u8]"),
  ])
  func whatIsNoSuchValueIsRefused(text: String, type: String) throws {
    let error = expectError(.usage) { _ = try read(text, type) }
    #expect(error?.file.contains("--set x") == true)
  }

  @Test func jsonThatIsNoneIsMalformed() {
    expectError(.malformed) { _ = try read("[1,]", "[u32]") }
    expectError(.malformed) { _ = try read(String(repeating: "[", count: 1000), "[u32]") }
  }

  @Test func everyFloatIsReadBackToTheBit() throws {
    var random = SeededGenerator(seed: 1)
    for _ in 0..<10_000 {
      let number = Float(bitPattern: random.next(upperBound: UInt32.max))
      guard number.isFinite else { continue }
      #expect(try read(ValueText.text(.float32(number)), "f32") == .float32(number))
    }
  }
}
