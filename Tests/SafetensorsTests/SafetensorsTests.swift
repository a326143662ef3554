import Testing
import WeightmillSafetensors
import WeightmillTensors
import WeightmillTestSupport

/// The safetensors format and the rules of its header.
struct SafetensorsTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func file(_ header: String, data: [UInt8] = [], length: UInt64? = nil) throws
    -> SafetensorsFile
  {
    var bytes = Bytes()
    bytes.put(length ?? UInt64(header.utf8.count))
    bytes.put(header)
    bytes.put(data)
    return try SafetensorsFile(path: folder.write(bytes.all, to: "x.safetensors"))
  }

  private static func entry(
    _ name: String, _ dtype: String = "U8", _ shape: String = "[2]", _ offsets: String = "[0,2]"
  ) -> String {
    #""\#(name)":{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":\#(offsets)}"#
  }

  @Test func tensorsMayComeInAnyOrderWithMetadata() throws {
    let header =
      #"{"__metadata__":{"format":"pt"},"# + Self.entry("b", "U8", "[2,2]", "[2,6]") + ","
      + Self.entry("a") + "}  "
    let file = try file(header, data: [1, 2, 3, 4, 5, 6])
    #expect(file.tensors.map(\.name) == ["a", "b"])
    #expect(try file.bytes(rows: 1..<2, ofTensor: 1) == [5, 6])
    #expect(file.metadata.map(\.value) == ["pt"])
  }

  @Test func emptyAndScalarTensorsAreRead() throws {
    let header =
      "{" + Self.entry("e", "F32", "[0,3]", "[0,0]") + "," + Self.entry("s", "F32", "[]", "[0,4]")
      + "}"
    let file = try file(header, data: [0, 0, 128, 63])
    #expect(file.tensors.map(\.shape.count) == [0, 1])
  }

  @Test(arguments: [
    "{\(entry("a", "U8", "[2]", "[0,3]"))}", "{\(entry("a", "U8", "[2]", "[1,3]"))}",
    "{\(entry("a", "U8", "[2]", "[2,0]"))}", "{\(entry("a", "U8", "[2.0]"))}",
    "{\(entry("a", "U8", "[true]"))}", "{\(entry("a", "U8", "[-2]"))}",
    "{\(entry("a", "F32", "[4194305,4194305,211106198978564]"))}",
    "{\(entry("a", "U8", "[2]", "[0,2,4]"))}", "{\(entry("a", "U8", "[2]", "[0]"))}",
    "{\(entry("a")),\(entry("a"))}", "{\(entry("a")),\(entry("b"))}",
    "{\(entry("a")),\(entry("b", "U8", "[2]", "[3,5]"))}", "{\"a\":{\"dtype\":\"U8\"}}",
    "{\"a\":1}", "{\"__metadata__\":{\"a\":1},\(entry("a"))}",
    "{\"__metadata__\":[],\(entry("a"))}",
    "[]", "{", "{}x", "\u{FEFF}{}",
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2],\"more\":1}}",
  ])
  func malformedHeadersAreRefused(header: String) {
    expectError(.malformed) { _ = try file(header, data: [1, 2]) }
  }

  @Test(arguments: ["F31", "f32", "Q4_0", ""])
  func typesThatTheFormatDoesNotHaveAreMalformed(dtype: String) {
    expectError(.malformed) { _ = try file("{\(Self.entry("a", dtype))}", data: [1, 2]) }
  }

  @Test(arguments: [
    ("BOOL", 8), ("F4", 4), ("F6_E2M3", 6), ("F6_E3M2", 6), ("U8", 8), ("I8", 8), ("F8_E5M2", 8),
    ("F8_E4M3", 8), ("F8_E8M0", 8), ("F8_E4M3FNUZ", 8), ("F8_E5M2FNUZ", 8), ("I16", 16),
    ("U16", 16), ("F16", 16), ("BF16", 16), ("I32", 32), ("U32", 32), ("F32", 32), ("C64", 64),
    ("F64", 64), ("I64", 64), ("U64", 64),
  ])
  func everyTypeOfTheFormatIsRead(dtype: String, bits: Int) throws {
    let data = [UInt8](0..<UInt8(bits))
    let opened = try file("{\(Self.entry("a", dtype, "[2,4]", "[0,\(bits)]"))}", data: data)
    #expect(opened.tensors[0].type.name == dtype)
    #expect(try opened.bytes(rows: 0..<2, ofTensor: 0) == data)
  }

  @Test func valuesThatDoNotFillBytesAreMalformed() {
    expectError(.malformed) {
      _ = try file("{\(Self.entry("a", "F4", "[3]", "[0,2]"))}", data: [1, 2])
    }
  }

  @Test(arguments: [UInt64.max, 100_000_001, 1 << 63, 1000])
  func headerLengthsAreBoundedByTheFile(length: UInt64) {
    expectError(.malformed) { _ = try file("{}", length: length) }
  }

  @Test func aFileMustEndWithItsLastTensor() {
    expectError(.malformed) { _ = try file("{\(Self.entry("a"))}", data: [1]) }
    expectError(.malformed) { _ = try file("{\(Self.entry("a"))}", data: [1, 2, 3]) }
  }

  @Test func noDamageToTheHeaderCrashesTheReader() throws {
    let header = "{\(Self.entry("a")),\(Self.entry("b", "F16", "[1,1]", "[2,4]"))}"
    var whole = Bytes()
    whole.put(UInt64(header.utf8.count))
    whole.put(header)
    whole.put([1, 2, 3, 4] as [UInt8])
    for count in 0..<whole.all.count {
      #expect(throws: WeightmillError.self) {
        _ = try SafetensorsFile(path: folder.write(whole.all[..<count], to: "x"))
      }
    }
    for offset in 0..<whole.all.count - 4 {
      for mask: UInt8 in [1, 2, 0x10, 0x80] {
        var bytes = whole.all
        bytes[offset] ^= mask
        expectNoCrash { _ = try SafetensorsFile(path: folder.write(bytes, to: "x")) }
      }
    }
  }
}
