import Testing
import WeightmillCalibration
import WeightmillGGUF
import WeightmillModels
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport

/// Importance matrices are read as llama.cpp wrote them, written as it would, and hostile ones are
/// refused.
struct ImatrixFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func read(_ bytes: [UInt8]) throws -> ImportanceMatrix {
    try ImatrixFile.read(folder.write(bytes, to: "x"))
  }

  private static let sample = ImportanceMatrix(
    entries: [
      TensorName("blk.10.attn_q.weight"): .init(sums: [0, 1, 2.5], count: 16),
      TensorName("blk.2.ffn_down_exps.weight"): .init(sums: [1, 2, 3, 4], counts: [5, 0]),
      TensorName("blk.2.attn_v.weight"): .init(sums: [.greatestFiniteMagnitude], count: 0x1p24),
    ], datasets: ["a.txt", "文.txt"], chunkCount: 3, chunkSize: 512)

  // MARK: The GGUF form

  @Test func whatIsWrittenIsReadAgain() throws {
    let path = folder("imatrix.gguf")
    let size = try ImatrixWriter.write(Self.sample, to: path, overwrite: false)
    #expect(try Fixtures.bytes(path).count == size)
    #expect(try ImatrixFile.read(path) == Self.sample)
  }

  @Test func keysAndTensorsAreInLlamasOrderAndShape() throws {
    let path = folder("imatrix.gguf")
    try ImatrixWriter.write(Self.sample, to: path, overwrite: false)
    let file = try GGUFFile(path: path)
    #expect(
      file.metadata.entries.map(\.key) == [
        "general.type", "imatrix.datasets", "imatrix.chunk_count", "imatrix.chunk_size",
      ])
    #expect(
      file.tensors.map { "\($0.name) \($0.shape)" } == [
        "blk.10.attn_q.weight.in_sum2 [3]", "blk.10.attn_q.weight.counts [1]",
        "blk.2.attn_v.weight.in_sum2 [1]", "blk.2.attn_v.weight.counts [1]",
        "blk.2.ffn_down_exps.weight.in_sum2 [2, 2]", "blk.2.ffn_down_exps.weight.counts [2, 1]",
      ])
  }

  /// A GGUF file, every part of which can be a lie.
  private func gguf(
    _ tensors: [(name: String, values: [Float])] = honest, type: TensorType = .f32,
    change: (inout GGUFMetadata) -> Void = { _ in }
  ) throws -> [UInt8] {
    var metadata = GGUFMetadata()
    metadata["general.type"] = .string("imatrix")
    metadata["imatrix.datasets"] = .strings(["a.txt"])
    metadata["imatrix.chunk_count"] = .uint32(1)
    metadata["imatrix.chunk_size"] = .uint32(512)
    change(&metadata)
    let descriptors = tensors.map {
      TensorDescriptor(
        name: $0.name, type: type, shape: TensorShape(rows: 1, columns: $0.values.count))
    }
    let layout = try GGUFLayout(metadata: metadata, tensors: descriptors, path: "x")
    var bytes = layout.header + [UInt8](repeating: 0, count: layout.byteCount - layout.header.count)
    for (index, position) in layout.positions.enumerated() where type == .f32 {
      var data = Bytes()
      for value in tensors[index].values { data.put(value.bitPattern) }
      bytes.replaceSubrange(position..<position + data.all.count, with: data.all)
    }
    return bytes
  }

  private static let honest: [(name: String, values: [Float])] = [
    ("a.weight.in_sum2", [1, 2, 3, 4]), ("a.weight.counts", [2]),
  ]

  @Test func theHonestFileIsRead() throws {
    let matrix = try read(gguf())
    #expect(matrix.entries[TensorName("a.weight")]?.weights == [0.5, 1, 1.5, 2])
    #expect(matrix.chunkCount == 1)
    // Newer programs may add tensors of their own.
    #expect(try read(gguf(Self.honest + [("a.weight.in_sum4", [1])])) == matrix)
  }

  @Test func sumsOfInputsAreRead() throws {
    let matrix = try read(gguf(Self.honest + [("a.weight.in_sum", [-1, 0, 2, 3])]))
    #expect(matrix.entries[TensorName("a.weight")]?.inputSums == [-1, 0, 2, 3])
    #expect(matrix.entries[TensorName("a.weight")]?.weights == [0.5, 1, 1.5, 2])
  }

  @Test func theTypeMayBeAbsent() throws {
    #expect(try read(gguf { $0["general.type"] = nil }).entries.count == 1)
  }

  @Test(
    "IM-02: a GGUF file of another type, or without the three keys, is none",
    arguments: [
      ("general.type", GGUFValue.string("model")), ("general.type", .uint32(1)),
      ("imatrix.datasets", nil), ("imatrix.chunk_count", nil), ("imatrix.chunk_size", nil),
      ("imatrix.datasets", .string("a.txt")), ("imatrix.datasets", .array(.uint8, [])),
      ("imatrix.chunk_count", .int32(-1)), ("imatrix.chunk_size", .string("512")),
    ] as [(String, GGUFValue?)])
  func otherGGUFFilesAreNone(key: String, value: GGUFValue?) throws {
    let bytes = try gguf { $0[key] = value }
    expectError(.malformed) { _ = try read(bytes) }
  }

  @Test(
    "IM-03, IM-04, IM-05: pairs of F32 tensors, sums and counts that can be such",
    arguments: [
      [], [("a.weight", [1])], [(".in_sum2", [1]), (".counts", [1])],
      [("a.weight.in_sum2", [1, 2])], [("a.weight.counts", [1])],
      [("a.weight.in_sum2", [1, 2]), ("b.weight.counts", [1])],
      [("a.weight.in_sum2", [1, 2]), ("a.weight.counts", [])],
      [("a.weight.in_sum2", []), ("a.weight.counts", [1])],
      [("a.weight.in_sum2", [1, 2, 3]), ("a.weight.counts", [1, 1])],
      [("a.weight.in_sum2", [1, .nan]), ("a.weight.counts", [1])],
      [("a.weight.in_sum2", [.infinity, 1]), ("a.weight.counts", [1])],
      [("a.weight.in_sum2", [1, -1e-30]), ("a.weight.counts", [1])],
      [("a.weight.in_sum2", [1, 2]), ("a.weight.counts", [.nan])],
      [("a.weight.in_sum2", [1, 2]), ("a.weight.counts", [-1])],
      [("a.weight.in_sum2", [1, 2]), ("a.weight.counts", [.infinity])],
      [("a.weight.in_sum2", [1, 2]), ("a.weight.counts", [0x1p54])],
      [("a.weight.in_sum2", [1, 2]), ("a.weight.counts", [1]), ("a.weight.in_sum", [1])],
      [("a.weight.in_sum2", [1, 2]), ("a.weight.counts", [1]), ("a.weight.in_sum", [])],
      [("a.weight.in_sum2", [1, 2]), ("a.weight.counts", [1]), ("a.weight.in_sum", [1, .nan])],
      [("a.weight.in_sum2", [1, 2]), ("a.weight.counts", [1]), ("b.weight.in_sum", [1, 2])],
    ] as [[(String, [Float])]])
  func liesInTheTensorsAreMalformed(tensors: [(String, [Float])]) throws {
    let bytes = try gguf(tensors.map { (name: $0.0, values: $0.1) })
    expectError(.malformed) { _ = try read(bytes) }
  }

  @Test func tensorsOfOtherTypesAreMalformed() throws {
    let bytes = try gguf(type: .f16)
    expectError(.malformed) { _ = try read(bytes) }
  }

  @Test func countsAreRoundedAsInLlama() throws {
    let matrix = try read(gguf([("a.in_sum2", [1]), ("a.counts", [2.5])]))
    #expect(matrix.entries[TensorName("a")]?.counts == [3])
  }

  // MARK: llama-imatrix's own files

  private static let llama = "\(Fixtures.package)/fixtures/imatrix/llama"

  @Test func aFileOfLlamasComesOutByteForByte() throws {
    let matrix = try ImatrixFile.read(Self.llama + ".gguf")
    #expect(matrix.entries.count == 29)
    #expect(matrix.datasets == ["text.txt"])
    #expect(matrix.chunkCount == 4)
    #expect(matrix.chunkSize == 48)
    #expect(try Fixtures.bytes(roundTrip(matrix)) == Fixtures.bytes(Self.llama + ".gguf"))
  }

  @Test func bothFormsOfLlamaHaveTheSameWeights() throws {
    let matrix = try ImatrixFile.read(Self.llama + ".gguf")
    let legacy = try ImatrixFile.read(Self.llama + ".dat")
    #expect(legacy.names == matrix.names)
    #expect(legacy.datasets == matrix.datasets)
    #expect(legacy.chunkCount == 4)
    for (name, entry) in legacy.entries {
      let weights = try #require(matrix.entries[name]).weights
      #expect(entry.weights.count == weights.count)
      #expect(zip(entry.weights, weights).allSatisfy { abs($0 - $1) <= 1e-6 * $1 })
    }
  }

  // MARK: The legacy form

  /// A file of the older form, every number of which can be a lie.
  private static func legacy(
    count: Int32 = 2, nameLength: Int32? = nil, name: [UInt8] = Array("blk.0.ffn_up.weight".utf8),
    calls: Int32 = 2, values: Int32? = nil, sums: [Float] = [1, 2, 3], second: String = "b",
    tail: [UInt8]? = nil
  ) -> [UInt8] {
    var bytes = Bytes()
    bytes.put(count)
    bytes.put(nameLength ?? Int32(name.count))
    bytes.put(name)
    bytes.put(calls)
    bytes.put(values ?? Int32(sums.count))
    for sum in sums { bytes.put(sum.bitPattern) }
    bytes.put(Int32(second.utf8.count))
    bytes.put(second)
    bytes.put(Int32(0))
    bytes.put(Int32(1))
    bytes.put(Float(7).bitPattern)
    bytes.put(tail ?? Self.tail(chunks: 20, name: "a.txt"))
    return bytes.all
  }

  private static func tail(chunks: Int32, length: Int32? = nil, name: String) -> [UInt8] {
    var bytes = Bytes()
    bytes.put(chunks)
    bytes.put(length ?? Int32(name.utf8.count))
    bytes.put(name)
    return bytes.all
  }

  @Test func theLegacyFormIsRead() throws {
    let matrix = try read(Self.legacy())
    #expect(matrix.entries.count == 2)
    #expect(matrix.entries[TensorName("blk.0.ffn_up.weight")]?.weights == [0.5, 1, 1.5])
    // Not counted: means already.
    #expect(matrix.entries[TensorName("b")]?.weights == [7])
    #expect(matrix.chunkCount == 20)
    #expect(matrix.chunkSize == 0)
    #expect(matrix.datasets == ["a.txt"])
    #expect(try ImatrixFile.read(roundTrip(matrix)) == matrix)
  }

  private func roundTrip(_ matrix: ImportanceMatrix) throws -> String {
    try ImatrixWriter.write(matrix, to: folder("again.gguf"), overwrite: true)
    return folder("again.gguf")
  }

  @Test(arguments: [0, 4, 8])
  func theLegacyFormMayEndBeforeItsTail(bytes: Int) throws {
    let tail = Array(Self.tail(chunks: 20, name: "").prefix(bytes))
    let matrix = try read(Self.legacy(tail: tail))
    #expect(matrix.chunkCount == (bytes == 0 ? 0 : 20))
    #expect(matrix.datasets.isEmpty)
  }

  @Test(
    "IM-06 to IM-09: numbers of the legacy form that cannot be",
    arguments: [
      legacy(count: 0), legacy(count: -1), legacy(count: .max), legacy(count: .min),
      legacy(count: 1), legacy(count: 3), legacy(nameLength: 0), legacy(nameLength: -1),
      legacy(nameLength: 65), legacy(nameLength: .max), legacy(nameLength: .min),
      legacy(name: [0xFF, 0xFE]), legacy(name: [65, 0, 66]), legacy(calls: -1),
      legacy(calls: .min), legacy(values: 0), legacy(values: -1), legacy(values: .max),
      legacy(values: .min), legacy(values: 2), legacy(values: 4), legacy(sums: [1, .nan]),
      legacy(sums: [-.infinity]), legacy(sums: [-1]), legacy(second: "blk.0.ffn_up.weight"),
      legacy(tail: tail(chunks: -1, name: "")), legacy(tail: tail(chunks: 1, length: -1, name: "")),
      legacy(tail: tail(chunks: 1, length: 9, name: "a")),
      legacy(tail: tail(chunks: 1, length: .max, name: "a")),
      legacy(tail: tail(chunks: 1, name: "a") + [0]),
    ])
  func liesInTheLegacyFormAreMalformed(bytes: [UInt8]) {
    expectError(.malformed) { _ = try read(bytes) }
  }

  // MARK: Damage, and other files

  @Test("IM-01: what is something else is named")
  func otherFilesAreNone() throws {
    for name in ["base-meta/consolidated.00.pth", "expected/eval-zh.txt", "delta/tokenizer.model"] {
      let error = expectError(.malformed) { _ = try ImatrixFile.read(Fixtures.miniZiya(name)) }
      #expect(error?.problem.contains("is no importance matrix") == true)
    }
    let pointer = try folder.write(
      "version https://git-lfs.github.com/spec/v1\n".utf8, to: "x.gguf")
    let error = expectError(.malformed) { _ = try ImatrixFile.read(pointer) }
    #expect(error?.remedy?.contains("git lfs pull") == true)
    expectError(.malformed) { _ = try read([]) }
    expectError(.malformed) { _ = try read([1, 0]) }
    expectError(.noInput) { _ = try ImatrixFile.read(folder("nothing")) }
    expectError(.refused) { _ = try ImatrixFile.read(folder.path) }
  }

  @Test(arguments: [false, true])
  func noDamageCrashesTheReader(isLegacy: Bool) throws {
    let whole = isLegacy ? Self.legacy() : try gguf()
    // The tail of one form may be left out; the other ends with padding.
    let whereItMayEnd: Set<Int> =
      isLegacy ? [whole.count - 13, whole.count - 9] : Set(whole.count - 28..<whole.count)
    for count in whole.indices {
      if whereItMayEnd.contains(count) {
        _ = try read(Array(whole[..<count]))
      } else {
        expectError(.malformed) { _ = try read(Array(whole[..<count])) }
      }
    }
    for offset in whole.indices {
      for mask: UInt8 in [1, 0x80, 0xFF] {
        var bytes = whole
        bytes[offset] ^= mask
        expectNoCrash { _ = try read(bytes) }
      }
    }
  }

  // MARK: Outputs

  @Test func anOutputIsReplacedOnlyIfAsked() throws {
    let path = folder("imatrix.gguf")
    try ImatrixWriter.write(Self.sample, to: path, overwrite: false)
    expectError(.cannotWrite) { try ImatrixWriter.write(Self.sample, to: path, overwrite: false) }
    expectError(.cannotWrite) {
      try ImatrixWriter.write(Self.sample, to: path, overwrite: true, inputs: [path])
    }
    try ImatrixWriter.write(Self.sample, to: path, overwrite: true)
    #expect(try folder.names() == ["imatrix.gguf"])
  }

  @Test func anInterruptedOutputLeavesNothing() throws {
    let cancellation = Cancellation()
    cancellation.cancel()
    expectError(.interrupted) {
      try ImatrixWriter.write(
        Self.sample, to: folder("x.gguf"), overwrite: false, cancellation: cancellation)
    }
    #expect(try folder.names().isEmpty)
  }

  @Test func namesThatGGUFCannotHoldAreUnsupported() throws {
    let name = String(repeating: "n", count: 60)
    let matrix = ImportanceMatrix(entries: [TensorName(name): .init(sums: [1], count: 1)])
    expectError(.unsupported) {
      try ImatrixWriter.write(matrix, to: folder("x.gguf"), overwrite: false)
    }
  }
}
