import Testing
import WeightmillPyTorch
import WeightmillTensors
import WeightmillTestSupport

/// Files made to mislead are refused with the right exit code, and nothing crashes.
struct HostileFileTests {
  private let folder: TemporaryFolder
  private static let values = [UInt8](repeating: 7, count: 48)
  private static let honest = PickleBuilder.single(count: 12, size: [3, 4], stride: [4, 1])

  init() throws { folder = try TemporaryFolder() }

  private func open(_ bytes: [UInt8]) throws {
    let file = try PyTorchFile(path: folder.write(bytes, to: "x.bin"))
    for (index, tensor) in file.tensors.enumerated() where tensor.byteCount < 1 << 20 {
      _ = try file.bytes(rows: 0..<tensor.shape.rows, ofTensor: index)
    }
  }

  private func open(
    pickle: [UInt8], storages: [(String, [UInt8])] = [("0", values)],
    change: (inout TorchFileBuilder) -> Void = { _ in }
  ) throws {
    var builder = TorchFileBuilder(pickle: pickle, storages: storages)
    change(&builder)
    try open(builder.bytes)
  }

  /// The strides of a view without values lead nowhere: nothing is computed with them.
  @Test(arguments: [[0, 1 << 40], [1 << 40, 0], [1 << 20, 0, 1 << 30]])
  func viewsWithoutValuesAreReadWhateverTheirStrides(size: [Int]) throws {
    let pickle = PickleBuilder.single(count: 12, size: size, stride: size.map { _ in 1 << 40 })
    let builder = TorchFileBuilder(pickle: pickle, storages: [("0", Self.values)])
    let file = try PyTorchFile(path: folder.write(builder.bytes, to: "x.bin"))
    let rows = file.tensors[0].shape.rows
    #expect(try file.bytes(rows: 0..<rows, ofTensor: 0) == [])
  }

  // MARK: Pickles (PK)

  @Test(arguments: [
    ("os", "system"), ("posix", "system"), ("builtins", "eval"), ("builtins", "getattr"),
    ("torch", "load"), ("torch.serialization", "load"), ("torch.utils.collect_env", "run"),
    ("torch._utils", "_import_dotted_name"), ("collections", "abc"), ("torch", "Tensor._make"),
    ("torch._utils", "_rebuild_tensor_v2.__globals__"), ("torch._utils._rebuild_tensor_v2", ""),
    ("collections.OrderedDict", "update"), ("", ""),
    ("torch", "OrderedDict"),
  ])
  func namesThatNoCheckpointNeedsAreRefused(module: String, name: String) {
    var pickle = PickleBuilder()
    pickle.global(module, name)
    // The name stays on the stack, unused: an honest program after it would load.
    let error = expectError(.refused) { try open(pickle: pickle.bytes + Self.honest.dropFirst(2)) }
    #expect(error?.problem.contains("\(module).\(name)") == true)
  }

  @Test func namesOnTheListMayStandUnused() throws {
    var pickle = PickleBuilder()
    pickle.global("torch", "Size")
    try open(pickle: pickle.bytes + Self.honest.dropFirst(2))
  }

  @Test(arguments: Array("IioSVLFdlpgDP0123".utf8) + [0x82, 0x83, 0x84, 0x92, 0x97, 0x98, 0xFF])
  func opcodesThatNoCheckpointNeedsAreRefused(opcode: UInt8) {
    expectError(.refused) { try open(pickle: [0x80, 2, 0x4E, opcode] + Self.honest.dropFirst(2)) }
  }

  @Test(arguments: [
    "a", "s", "u", "t", "R", "b", "Q", ".", "e", "(.", "]s.", "Na.", "Nb.", "(K\u{1}u.",
    "}(K\u{1}u.",
    "h\u{5}.", "j\u{5}\u{0}\u{0}\u{0}.", "q\u{0}.", "K", "X\u{1}\u{0}\u{0}\u{7F}a", "c", "cos\n",
    "",
    "(}t", "}(t\u{81}.",
  ])
  func brokenProgramsAreRefused(program: String) {
    expectNoCrash { try open(pickle: [0x80, 2] + Array(program.utf8)) }
    #expect(throws: WeightmillError.self) { try open(pickle: [0x80, 2] + Array(program.utf8)) }
  }

  @Test(arguments: [0, 1, 6, 255])
  func unknownProtocolsAreUnsupported(version: Int) {
    expectError(.unsupported) {
      try open(pickle: [0x80, UInt8(version)] + Self.honest.dropFirst(2))
    }
  }

  @Test(arguments: [
    "_rebuild_sparse_tensor", "_rebuild_meta_tensor_no_storage", "_rebuild_qtensor",
  ])
  func kindsOfTensorsThatAreNotReadAreUnsupported(name: String) {
    var pickle = PickleBuilder()
    pickle.global("torch._utils", name)
    expectError(.unsupported) { try open(pickle: pickle.bytes + Self.honest.dropFirst(2)) }
  }

  @Test func callingWhatIsNotAFunctionIsRefused() {
    var pickle = PickleBuilder()
    pickle.global("torch", "FloatStorage")
    pickle.op(")")
    pickle.op("R")
    pickle.op(".")
    expectError(.refused) { try open(pickle: pickle.bytes) }
  }

  @Test(arguments: [[UInt8](")]}".utf8), [UInt8]("]".utf8), [UInt8]("(".utf8)])
  func deepNestingDoesNotOverflowTheStack(opcodes: [UInt8]) {
    var program: [UInt8] = [0x80, 2]
    for _ in 0..<300_000 { program += opcodes }
    for _ in 0..<300_000 { program.append(UInt8(ascii: "a")) }
    expectNoCrash { try open(pickle: program + [UInt8(ascii: ".")]) }
  }

  @Test func theMemoIsBounded() {
    let kept = [UInt8](repeating: 0x94, count: (1 << 20) + 1)
    expectError(.refused) {
      try open(pickle: [0x80, 4, 0x4E] + kept + Self.honest.dropFirst(2))
    }
  }

  /// The tensor of `size` ones, made again and again of the same arguments, then an honest program.
  private func repeated(_ times: Int, size: Int) -> [UInt8] {
    var pickle = PickleBuilder()
    pickle.global("torch._utils", "_rebuild_tensor")
    pickle.raw([0x71, 0])  // BINPUT 0
    pickle.op("(")
    pickle.storage("FloatStorage", key: "0", count: 12)
    pickle.integer(0)
    pickle.tuple([Int](repeating: 1, count: size))
    pickle.tuple([Int](repeating: 1, count: size))
    pickle.op("t")
    pickle.raw([0x71, 1])
    for _ in 0..<times { pickle.raw([0x68, 0, 0x68, 1, 0x52]) }  // BINGET, BINGET, REDUCE
    return pickle.bytes + Self.honest.dropFirst(2)
  }

  @Test func tensorsAreBounded() throws {
    expectError(.refused) { try open(pickle: repeated((1 << 17) + 1, size: 64)) }
    try open(pickle: repeated(1000, size: 64))
  }

  @Test func aDictionaryThatHoldsItselfManyTimesIsNotWalkedForever() throws {
    var pickle = PickleBuilder()
    pickle.op("}")
    pickle.raw([0x71, 0])
    pickle.op("(")
    for number in 0..<1 << 16 {
      pickle.integer(number)
      pickle.raw([0x68, 0])
    }
    pickle.text("x")
    pickle.tensor("FloatStorage", key: "0", count: 12, size: [1], stride: [1])
    pickle.op("u")
    pickle.op(".")
    try expectTooMuch(pickle.bytes)
  }

  @Test func longNamesAreNotRepeatedForever() throws {
    // {"kkk…": {0: x, 1: x, …}}: each name would take 64 kB.
    var pickle = PickleBuilder()
    pickle.tensor("FloatStorage", key: "0", count: 12, size: [1], stride: [1])
    pickle.raw([0x71, 0])
    pickle.op("}")
    pickle.text(String(repeating: "k", count: 1 << 16))
    pickle.op("}")
    pickle.op("(")
    for number in 0..<2000 {
      pickle.integer(number)
      pickle.raw([0x68, 0])
    }
    pickle.op("u")
    pickle.op("s")
    pickle.op(".")
    try expectTooMuch(pickle.bytes)
  }

  private func expectTooMuch(_ pickle: [UInt8]) throws {
    let bytes = TorchFileBuilder(pickle: pickle, storages: [("0", Self.values)]).bytes
    let path = try folder.write(bytes, to: "x.pt")
    let error = expectError(.refused) { _ = try PyTorchFile(path: path, selection: .everything) }
    #expect(error?.problem.contains("repeats") == true)
  }

  @Test func aPickleWithoutTensorsIsUnsupported() {
    expectError(.unsupported) { try open(pickle: [0x80, 2] + Array("}.".utf8)) }
    expectError(.unsupported) { try open(pickle: [0x80, 2] + Array("].".utf8)) }
  }

  @Test func twoTensorsOfOneNameAreRefused() {
    let twice = Self.honest.dropLast(2) + Self.honest[4...]
    expectError(.refused) { try open(pickle: Array(twice)) }
  }

  // MARK: Tensors (TEN)

  @Test(arguments: [
    (12, 0, [3, 5], [5, 1]), (12, 1, [3, 4], [4, 1]), (12, 0, [3, 4], [5, 1]), (12, -1, [1], [1]),
    (12, 0, [3], [-1]), (12, 0, [-3], [1]), (12, 0, [3, 4], [4]), (12, 0, [Int.max, 2], [1, 1]),
    (12, 0, [2, 2], [Int.max, 1]), (12, Int.max, [2], [Int.max]), (12, 13, [0], [1]),
  ])
  func viewsBeyondTheirStorageAreRefused(count: Int, offset: Int, size: [Int], stride: [Int]) {
    expectError(.refused) {
      try open(
        pickle: PickleBuilder.single(count: count, offset: offset, size: size, stride: stride))
    }
  }

  @Test func viewsThatRepeatTheirStorageForeverAreRefused() {
    expectError(.refused) {
      try open(pickle: PickleBuilder.single(count: 12, size: [1 << 46], stride: [0]))
    }
  }

  @Test func lazyViewsAreUnsupported() {
    // The seventh argument of _rebuild_tensor_v2: {"neg": True}.
    var pickle = PickleBuilder()
    pickle.op("}")
    pickle.text("x")
    pickle.global("torch._utils", "_rebuild_tensor_v2")
    pickle.op("(")
    pickle.storage("FloatStorage", key: "0", count: 12)
    pickle.integer(0)
    pickle.tuple([3])
    pickle.tuple([1])
    pickle.raw([0x89])
    pickle.op("}")
    pickle.op("}")
    pickle.text("neg")
    pickle.raw([0x88])
    pickle.op("s")
    pickle.op("t")
    pickle.op("R")
    pickle.op("s")
    pickle.op(".")
    expectError(.unsupported) { try open(pickle: pickle.bytes) }
  }

  @Test(arguments: [11, 13, 1 << 40])
  func storagesMustHaveTheSizeThePickleSays(count: Int) {
    expectError(.refused) {
      try open(pickle: PickleBuilder.single(count: count, size: [1], stride: [1]))
    }
  }

  @Test func impossibleStorageSizesAreRefused() {
    for count in [-1, Int.max] {
      expectError(.malformed) {
        try open(pickle: PickleBuilder.single(count: count, size: [1], stride: [1]))
      }
    }
  }

  @Test func aMissingStorageIsMalformed() {
    expectError(.malformed) { try open(pickle: Self.honest, storages: []) }
  }

  @Test(arguments: ["", "../0", "a/b", "0\u{0}", "a\\b", ".."])
  func storageKeysAreNotPaths(key: String) {
    var pickle = PickleBuilder()
    pickle.op("}")
    pickle.text("x")
    pickle.tensor("FloatStorage", key: key, count: 12, size: [3], stride: [1])
    pickle.op("s")
    pickle.op(".")
    expectError(.malformed) { try open(pickle: pickle.bytes) }
  }

  @Test func oneStorageHasOneType() {
    var pickle = PickleBuilder()
    pickle.op("}")
    pickle.op("(")
    pickle.text("a")
    pickle.tensor("FloatStorage", key: "0", count: 12, size: [3], stride: [1])
    pickle.text("b")
    pickle.tensor("HalfStorage", key: "0", count: 24, size: [3], stride: [1])
    pickle.op("u")
    pickle.op(".")
    expectError(.refused) { try open(pickle: pickle.bytes) }
  }

  // MARK: Zip files (ZIP)

  @Test func localHeadersMustAgreeWithTheDirectory() {
    expectError(.refused) {
      try open(pickle: Self.honest) { $0.entries[1].localName = "archive/x" }
    }
    expectError(.refused) {
      try open(pickle: Self.honest) { $0.entries[1].localName = "archive/data/1" }
    }
  }

  @Test func entriesMustNotOverlap() {
    expectError(.refused) {
      try open(pickle: Self.honest) { builder in
        var twin = builder.entries[1]
        twin.offset = UInt32(
          30 + builder.entries[0].name.utf8.count + builder.entries[0].data.count)
        builder.entries.append(twin)
      }
    }
  }

  @Test func namesMustBeUniqueWhateverTheCase() {
    expectError(.refused) {
      try open(pickle: Self.honest) { $0.entries.append(.init("archive/DATA.pkl", [1])) }
    }
  }

  @Test func encryptedEntriesAreRefused() {
    expectError(.refused) { try open(pickle: Self.honest) { $0.entries[1].flags = 1 } }
  }

  @Test func unknownCompressionIsUnsupported() {
    expectError(.unsupported) { try open(pickle: Self.honest) { $0.entries[1].method = 12 } }
  }

  @Test func entriesOutsideOfTheFolderAreRefused() {
    expectError(.refused) {
      try open(pickle: Self.honest) { $0.entries.append(.init("other/x", [1])) }
    }
  }

  @Test func scriptsAreRefused() {
    expectError(.refused) {
      try open(pickle: Self.honest) { $0.entries.append(.init("archive/code/a.py", [1])) }
    }
  }

  @Test func aSecondEndIsRefused() {
    // An end record whose comment is another end record.
    var builder = TorchFileBuilder(pickle: Self.honest, storages: [("0", Self.values)])
    let end = Array(builder.bytes.suffix(22))
    builder.trailer = end
    var bytes = builder.bytes
    bytes[bytes.count - 24] = 22
    expectError(.refused) { try open(bytes) }
  }

  @Test func sizesThatNeed64BitsMustHaveThem() {
    expectError(.malformed) { try open(pickle: Self.honest) { $0.entries[1].size = .max } }
  }

  @Test func localFlagsAndSizesMustAgreeWithTheDirectory() throws {
    let builder = TorchFileBuilder(pickle: Self.honest, storages: [("0", Self.values)])
    for (offset, mask) in [(6, UInt8(8)), (18, 1), (22, 1)] {
      var bytes = builder.bytes
      bytes[offset] ^= mask
      expectError(.refused) { try open(bytes) }
    }
  }

  @Test(arguments: ["0", "11", "x", ""])
  func unknownVersionsAreUnsupported(version: String) {
    expectError(.unsupported) {
      try open(pickle: Self.honest) { $0.entries[2].data = Array(version.utf8) }
    }
  }

  @Test func bytesAfterTheEndAreRefused() {
    expectError(.malformed) { try open(pickle: Self.honest) { $0.trailer = [1] } }
  }

  @Test func aDamagedPickleIsNoticed() {
    expectError(.malformed) { try open(pickle: Self.honest) { $0.entries[0].crc = 1 } }
  }

  @Test(arguments: [UInt16(0), 8])
  func aFlippedBitInAWeightIsNoticedWhenAllWasRead(method: UInt16) throws {
    var random = SeededGenerator(seed: 8)
    let data = (0..<1 << 16).map { _ in UInt8.random(in: 0..<16, using: &random) }
    let pickle = PickleBuilder.single(
      "ByteStorage", count: 1 << 16, size: [256, 256], stride: [256, 1])
    var builder = TorchFileBuilder(pickle: pickle, storages: [("0", data)])
    let sound = builder.bytes
    builder.entries[1].method = method
    builder.entries[1].crc = TorchFileBuilder.checksum(data)
    builder.entries[1].data[40_000] ^= 1
    for (bytes, isDamaged) in [(builder.bytes, true), (sound, false)] {
      let file = try PyTorchFile(path: folder.write(bytes, to: "x.bin"))
      // Rows that are only sampled before do not disturb.
      for row in [0, 100, 255] { _ = try file.bytes(rows: row..<row + 1, ofTensor: 0) }
      let read: () throws -> Void = {
        try Workers(threads: 3).forEach(26, scratch: {}) { (piece, _) throws(WeightmillError) in
          _ = try file.bytes(rows: piece * 10..<min(piece * 10 + 10, 256), ofTensor: 0)
        }
      }
      if isDamaged { expectError(.malformed) { try read() } } else { try read() }
    }
  }

  @Test func aDeflateBombStopsAtTheDeclaredSize() {
    let zeros = [UInt8](repeating: 0, count: 1 << 22)
    expectNoCrash {
      try open(pickle: Self.honest) { builder in
        builder.entries[1] = .init("archive/data/0", zeros)
        builder.entries[1].method = 8
        builder.entries[1].size = 48
      }
    }
    expectError(.malformed) {
      try open(pickle: Self.honest) { builder in
        builder.entries[1] = .init("archive/data/0", zeros)
        builder.entries[1].method = 8
        builder.entries[1].size = 48
      }
    }
  }

  // MARK: Damage

  @Test func aFileCutAnywhereIsRefused() throws {
    let whole = TorchFileBuilder(pickle: Self.honest, storages: [("0", Self.values)]).bytes
    for count in 0..<whole.count {
      #expect(throws: WeightmillError.self) { try open(Array(whole[..<count])) }
    }
  }

  @Test func noFlippedByteCrashesTheReader() throws {
    let whole = TorchFileBuilder(pickle: Self.honest, storages: [("0", Self.values)]).bytes
    for offset in whole.indices {
      for mask: UInt8 in [0x01, 0x80, 0xFF] {
        var bytes = whole
        bytes[offset] ^= mask
        expectNoCrash { try open(bytes) }
      }
    }
  }

  @Test func randomDamageNeverCrashesTheReader() throws {
    let whole = TorchFileBuilder(pickle: Self.honest, storages: [("0", Self.values)]).bytes
    for seed in 0..<1500 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      var bytes = whole
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(
          in: 0...255, using: &random)
      }
      expectNoCrash { try open(bytes) }
    }
  }
}
