import Testing
import WeightmillGGUF
import WeightmillTensors
import WeightmillTestSupport

/// GGUF files are written as they are read, and hostile ones are refused.
struct GGUFTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func open(_ bytes: [UInt8]) throws -> GGUFFile {
    try GGUFFile(path: folder.write(bytes, to: "x.gguf"))
  }

  private static func everyKindOfValue() -> GGUFMetadata {
    var metadata = GGUFMetadata()
    metadata["a.u8"] = .uint8(200)
    metadata["a.i8"] = .int8(-3)
    metadata["a.u16"] = .uint16(60000)
    metadata["a.i16"] = .int16(-30000)
    metadata["a.u32"] = .uint32(4_000_000_000)
    metadata["a.i32"] = .int32(-2_000_000_000)
    metadata["a.f32"] = .float32(1e-6)
    metadata["a.bool"] = .bool(true)
    metadata["a.string"] = .string("帮我写 🤔")
    metadata["a.u64"] = .uint64(1 << 60)
    metadata["a.i64"] = .int64(-1 << 60)
    metadata["a.f64"] = .float64(.pi)
    metadata["a.strings"] = .strings(["", "b", "▁c"])
    metadata["a.floats"] = .array(.float32, [.float32(1), .float32(-10000)])
    metadata["a.bools"] = .array(.bool, [.bool(false), .bool(true)])
    metadata["a.none"] = .array(.int32, [])
    return metadata
  }

  private static let tensors = [
    TensorDescriptor(name: "x", type: .f32, shape: TensorShape(rows: 3, columns: 5)),
    TensorDescriptor(name: "y", type: .q8_0, shape: TensorShape(rows: 2, columns: 64)),
  ]

  private static func sample() throws -> [UInt8] {
    let layout = try GGUFLayout(metadata: everyKindOfValue(), tensors: tensors, path: "x")
    var bytes = layout.header + [UInt8](repeating: 0, count: layout.byteCount - layout.header.count)
    for (tensor, position) in zip(tensors, layout.positions) {
      for byte in 0..<tensor.byteCount { bytes[position + byte] = UInt8(byte % 251) }
    }
    return bytes
  }

  @Test func whatIsWrittenIsReadAgain() throws {
    let file = try open(Self.sample())
    #expect(file.version == 3)
    #expect(file.metadata == Self.everyKindOfValue())
    #expect(file.tensors == Self.tensors)
    #expect(try file.bytes(rows: 0..<3, ofTensor: 0) == (0..<60).map { UInt8($0) })
    #expect(try file.bytes(rows: 1..<2, ofTensor: 1) == (68..<136).map { UInt8($0) })
  }

  /// Sums of sizes beyond the largest integer, and beyond the largest file that is read.
  @Test(arguments: [1 << 59, 1 << 44])
  func filesThatCouldNotBeReadAreNotLaidOut(columns: Int) {
    let tensors = ["x", "y", "z"].map {
      TensorDescriptor(name: $0, type: .f64, shape: TensorShape(rows: 1, columns: columns))
    }
    expectError(.unsupported) {
      _ = try GGUFLayout(metadata: GGUFMetadata(), tensors: tensors, path: "x")
    }
  }

  @Test func version2IsReadAndOthersAreNot() throws {
    var bytes = try Self.sample()
    bytes[4] = 2
    #expect(try open(bytes).version == 2)
    for version: UInt8 in [0, 1, 4] {
      bytes[4] = version
      expectError(.unsupported) { _ = try open(bytes) }
    }
    bytes.replaceSubrange(4..<8, with: [0, 0, 0, 3])
    let error = expectError(.unsupported) { _ = try open(bytes) }
    #expect(error?.problem.contains("big-endian") == true)
  }

  @Test func headersLargerThanTheFirstWindowAreRead() throws {
    var metadata = GGUFMetadata()
    metadata["tokens"] = .strings((0..<150_000).map { "token number \($0)" })
    let layout = try GGUFLayout(metadata: metadata, tensors: [], path: "x")
    #expect(layout.header.count > 3 << 20)
    #expect(try open(layout.header).metadata["tokens"]?.array?.count == 150_000)
  }

  /// A header with one tensor, every number of which can be a lie.
  private static func header(
    tensors: UInt64 = 1, entries: UInt64 = 0, metadata: [UInt8] = [],
    name: [UInt8] = Array("x".utf8),
    nameLength: UInt64? = nil, dimensions: UInt32? = nil, extents: [UInt64] = [32],
    type: UInt32 = 0,
    offset: UInt64 = 0, data: Int = 128
  ) -> [UInt8] {
    var bytes = Bytes()
    bytes.put("GGUF")
    bytes.put(UInt32(3))
    bytes.put(tensors)
    bytes.put(entries)
    bytes.put(metadata)
    bytes.put(nameLength ?? UInt64(name.count))
    bytes.put(name)
    bytes.put(dimensions ?? UInt32(extents.count))
    for extent in extents { bytes.put(extent) }
    bytes.put(type)
    bytes.put(offset)
    bytes.put([UInt8](repeating: 0, count: (32 - bytes.all.count % 32) % 32 + data))
    return bytes.all
  }

  private static func entry(_ key: String, kind: UInt32, _ value: [UInt8]) -> [UInt8] {
    var bytes = Bytes()
    bytes.put(UInt64(key.utf8.count))
    bytes.put(key)
    bytes.put(kind)
    bytes.put(value)
    return bytes.all
  }

  private static func word(_ value: some FixedWidthInteger) -> [UInt8] {
    var bytes = Bytes()
    bytes.put(value)
    return bytes.all
  }

  @Test func theHonestHeaderIsRead() throws {
    #expect(try open(Self.header()).tensors.count == 1)
  }

  @Test(arguments: [
    header(tensors: .max), header(entries: .max),
    header(nameLength: 1 << 40), header(nameLength: .max),
    header(name: Array(repeating: 65, count: 65)),
    header(name: [0xFF, 0xFE]), header(dimensions: 5), header(dimensions: .max),
    header(extents: [.max]), header(extents: [1 << 62, 4]), header(extents: [1 << 32, 1 << 32]),
    header(extents: [31], type: 8), header(extents: [33]), header(offset: 1), header(offset: 32),
    header(offset: .max - 31), header(data: 127), header(data: 0),
    header(entries: 1, metadata: entry("k", kind: 13, [0])),
    header(entries: 1, metadata: entry("", kind: 0, [0])),
    header(entries: 1, metadata: entry("k", kind: 7, [2])),
    header(entries: 2, metadata: entry("k", kind: 0, [0]) + entry("k", kind: 0, [0])),
    header(entries: 1, metadata: entry("k", kind: 8, word(UInt64(1 << 62)))),
    header(entries: 1, metadata: entry("k", kind: 9, word(UInt32(0)) + word(UInt64.max))),
    header(entries: 1, metadata: entry("k", kind: 9, word(UInt32(10)) + word(UInt64(1 << 61)))),
    header(entries: 1, metadata: entry("general.alignment", kind: 4, word(UInt32(0)))),
    header(entries: 1, metadata: entry("general.alignment", kind: 4, word(UInt32(33)))),
    header(entries: 1, metadata: entry("general.alignment", kind: 4, word(UInt32(1 << 31)))),
    header(entries: 1, metadata: entry("general.alignment", kind: 10, word(UInt64(32)))),
    Array("GGUF".utf8), Array("GGML".utf8) + Array(repeating: 0, count: 100),
  ])
  func liesInTheHeaderAreMalformed(bytes: [UInt8]) {
    expectError(.malformed) { _ = try open(bytes) }
  }

  @Test func countsThatAreTooHighAreRefused() {
    #expect(throws: WeightmillError.self) { _ = try open(Self.header(tensors: 2)) }
    #expect(throws: WeightmillError.self) { _ = try open(Self.header(entries: 1)) }
  }

  @Test(arguments: [4, 5, 31, 36, 43, 1 << 31] as [UInt32])
  func unknownAndRetiredTypesAreUnsupported(type: UInt32) {
    expectError(.unsupported) { _ = try open(Self.header(type: type)) }
  }

  @Test func arraysOfArraysAreUnsupported() {
    let value =
      Self.word(UInt32(9)) + Self.word(UInt64(1)) + Self.word(UInt32(0)) + Self.word(UInt64(0))
    expectError(.unsupported) {
      _ = try open(Self.header(entries: 1, metadata: Self.entry("k", kind: 9, value)))
    }
  }

  @Test func noDamageCrashesTheReader() throws {
    let whole = try Self.sample()
    for count in 0..<whole.count - 24 {
      #expect(throws: WeightmillError.self) { _ = try open(Array(whole[..<count])) }
    }
    for offset in whole.indices {
      for mask: UInt8 in [1, 0x80, 0xFF] {
        var bytes = whole
        bytes[offset] ^= mask
        expectNoCrash {
          let file = try open(bytes)
          for (index, tensor) in file.tensors.enumerated() {
            _ = try file.bytes(rows: 0..<tensor.shape.rows, ofTensor: index)
          }
        }
      }
    }
  }

  @Test func typesHaveTheNumbersOfGgml() {
    #expect(TensorType.allCases.compactMap(\.ggufCode).count == 35)
    for code in 0...50 as ClosedRange<UInt32> {
      guard let type = TensorType(ggufCode: code) else { continue }
      #expect(type.ggufCode == code)
    }
  }
}
