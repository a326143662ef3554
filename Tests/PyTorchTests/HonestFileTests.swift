import Testing
import WeightmillPyTorch
import WeightmillTensors
import WeightmillTestSupport

/// Files that torch and honest re-zipping tools write are read exactly.
struct HonestFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func open(_ builder: TorchFileBuilder) throws -> PyTorchFile {
    try PyTorchFile(path: folder.write(builder.bytes, to: "x.bin"))
  }

  private let values: [UInt8] = Array(0..<48)

  private func words(_ indices: [Int]) -> [UInt8] {
    indices.flatMap { values[4 * $0..<4 * $0 + 4] }
  }

  @Test(arguments: [
    (0, [3, 4], [4, 1], Array(0..<12)), (2, [2, 3], [4, 1], [2, 3, 4, 6, 7, 8]),
    (0, [4, 3], [1, 4], [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]),
    (5, [2, 3], [0, 0], [5, 5, 5, 5, 5, 5]),
    (3, [], [], [3]), (1, [3], [3], [1, 4, 7]),
    (0, [2, 3, 2], [6, 1, 3], [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]),
    (11, [1, 1], [99, 99], [11]),
  ])
  func viewsAreReadAsTheirStridesSay(offset: Int, size: [Int], stride: [Int], indices: [Int]) throws
  {
    let pickle = PickleBuilder.single(count: 12, offset: offset, size: size, stride: stride)
    let file = try open(TorchFileBuilder(pickle: pickle, storages: [("0", values)]))
    let rows = file.tensors[0].shape.rows
    #expect(file.tensors[0].type == .f32)
    #expect(try file.bytes(rows: 0..<rows, ofTensor: 0) == words(indices))
    // Row by row gives the same.
    #expect(
      try (0..<rows).flatMap { try file.bytes(rows: $0..<$0 + 1, ofTensor: 0) } == words(indices))
  }

  @Test func emptyTensorsHaveNoBytes() throws {
    let pickle = PickleBuilder.single(count: 12, size: [0, 4], stride: [4, 1])
    let file = try open(TorchFileBuilder(pickle: pickle, storages: [("0", values)]))
    #expect(file.tensors[0].byteCount == 0)
    #expect(try file.bytes(rows: 0..<0, ofTensor: 0) == [])
  }

  @Test func deflatedEntriesAreRead() throws {
    let pickle = PickleBuilder.single(count: 12, size: [3, 4], stride: [4, 1])
    var builder = TorchFileBuilder(pickle: pickle, storages: [("0", values)])
    for index in builder.entries.indices { builder.entries[index].method = 8 }
    let file = try open(builder)
    #expect(try file.bytes(rows: 0..<3, ofTensor: 0) == values)
    // Backwards, too.
    #expect(try file.bytes(rows: 2..<3, ofTensor: 0) == Array(values[32...]))
    #expect(try file.bytes(rows: 0..<1, ofTensor: 0) == Array(values[..<16]))
  }

  @Test func deflatedRowsAreReadInAnyOrderFromSeveralThreads() throws {
    var random = SeededGenerator(seed: 5)
    let data = (0..<1 << 20).map { _ in UInt8.random(in: 0..<16, using: &random) }
    let pickle = PickleBuilder.single(
      "ByteStorage", count: 1 << 20, size: [1024, 1024], stride: [1024, 1])
    var builder = TorchFileBuilder(pickle: pickle, storages: [("0", data)])
    builder.entries[1].method = 8
    let file = try open(builder)
    let order = (0..<1024).map { $0 % 2 * 512 + $0 / 2 }
    try Workers(threads: 4).forEach(1024, scratch: {}) { (piece, _) throws(WeightmillError) in
      let row = order[piece]
      let bytes = try file.bytes(rows: row..<row + 1, ofTensor: 0)
      guard bytes.elementsEqual(data[row * 1024..<(row + 1) * 1024]) else {
        throw WeightmillError(.internal, "row \(row)", "differs")
      }
    }
  }

  /// Rows that go backwards would inflate the storage again and again.
  @Test(arguments: [
    ([2, 3, 2], [6, 2, 1], true), ([2, 2, 3], [3, 6, 1], false), ([3, 4], [1, 3], true),
    ([4, 12], [0, 1], false), ([1, 12], [0, 1], true), ([3, 4, 1], [1, 2, 1], false),
    ([3, 3], [2, 1], false),
    ([3, 2], [4, 2], true),
  ])
  func compressedRowsAreReadWhereTheyAscend(size: [Int], stride: [Int], reads: Bool) throws {
    let pickle = PickleBuilder.single(count: 12, size: size, stride: stride)
    var builder = TorchFileBuilder(pickle: pickle, storages: [("0", values)])
    let plain = try open(builder)
    let rows = 0..<plain.tensors[0].shape.rows
    let expected = try plain.bytes(rows: rows, ofTensor: 0)
    builder.entries[1].method = 8
    let file = try open(builder)
    guard reads else {
      expectError(.unsupported) { _ = try file.bytes(rows: rows, ofTensor: 0) }
      return
    }
    #expect(try file.bytes(rows: rows, ofTensor: 0) == expected)
  }

  @Test func aLargeTransposedMatrixIsReadInTiles() throws {
    let (rows, columns) = (700, 300)
    var data = Bytes()
    for index in 0..<rows * columns { data.put(UInt16(truncatingIfNeeded: index &* 40503)) }
    let pickle = PickleBuilder.single(
      "HalfStorage", count: rows * columns, size: [rows, columns], stride: [1, rows])
    let file = try open(TorchFileBuilder(pickle: pickle, storages: [("0", data.all)]))
    for first in stride(from: 0, to: rows, by: 97) {
      let range = first..<min(first + 97, rows)
      var expected: [UInt8] = []
      for row in range {
        for column in 0..<columns {
          let offset = 2 * (column * rows + row)
          expected += data.all[offset..<offset + 2]
        }
      }
      #expect(try file.bytes(rows: range, ofTensor: 0) == expected)
    }
  }

  @Test func bigEndianValuesAreSwapped() throws {
    let pickle = PickleBuilder.single(count: 12, size: [12], stride: [1])
    var builder = TorchFileBuilder(pickle: pickle, storages: [("0", values)])
    builder.entries.append(.init("archive/byteorder", Array("big".utf8)))
    #expect(
      try open(builder).bytes(rows: 0..<1, ofTensor: 0).prefix(8) == [3, 2, 1, 0, 7, 6, 5, 4])
  }

  @Test func aChecksumOfZeroMeansNoneWasRecorded() throws {
    let pickle = PickleBuilder.single(count: 12, size: [12], stride: [1])
    var builder = TorchFileBuilder(pickle: pickle, storages: [("0", values)])
    for index in builder.entries.indices { builder.entries[index].crc = 0 }
    #expect(try open(builder).tensors.count == 1)
  }

  @Test func tensorsMayShareAStorage() throws {
    var pickle = PickleBuilder()
    pickle.op("}")
    pickle.op("(")
    pickle.text("a")
    pickle.tensor("FloatStorage", key: "0", count: 12, size: [3], stride: [1])
    pickle.text("b")
    pickle.tensor("FloatStorage", key: "0", count: 12, offset: 3, size: [2], stride: [1])
    pickle.op("u")
    pickle.op(".")
    let file = try open(TorchFileBuilder(pickle: pickle.bytes, storages: [("0", values)]))
    #expect(file.tensors.map(\.name) == ["a", "b"])
    #expect(try file.bytes(rows: 0..<1, ofTensor: 1) == words([3, 4]))
  }

  @Test(arguments: ["model", "state_dict", "module"])
  func nestedStateDictionariesAreFound(key: String) throws {
    var pickle = PickleBuilder()
    pickle.op("}")
    pickle.op("(")
    pickle.text("epoch")
    pickle.integer(3)
    pickle.text(key)
    pickle.op("}")
    pickle.text("x")
    pickle.tensor("FloatStorage", key: "0", count: 12, size: [3], stride: [1])
    pickle.op("s")
    pickle.op("u")
    pickle.op(".")
    let file = try open(TorchFileBuilder(pickle: pickle.bytes, storages: [("0", values)]))
    #expect(file.tensors.map(\.name) == ["x"])
  }

  @Test func itemsOfPython2sOrderedDictAreRead() throws {
    // OrderedDict([["x", tensor]]).
    var pickle = PickleBuilder()
    pickle.global("collections", "OrderedDict")
    pickle.op("]")
    pickle.op("]")
    pickle.text("x")
    pickle.op("a")
    pickle.tensor("FloatStorage", key: "0", count: 12, size: [3], stride: [1])
    pickle.op("a")
    pickle.op("a")
    pickle.raw([0x85])
    pickle.op("R")
    pickle.op(".")
    let file = try open(TorchFileBuilder(pickle: pickle.bytes, storages: [("0", values)]))
    #expect(file.tensors.map(\.name) == ["x"])
  }

  @Test func ordinaryModulesStateIsAccepted() throws {
    // OrderedDict() with items, then BUILD with {"_metadata": OrderedDict()}.
    var pickle = PickleBuilder()
    pickle.global("collections", "OrderedDict")
    pickle.op(")")
    pickle.op("R")
    pickle.op("(")
    pickle.text("x")
    pickle.tensor("HalfStorage", key: "0", count: 24, size: [24], stride: [1])
    pickle.op("u")
    pickle.op("}")
    pickle.text("_metadata")
    pickle.global("collections", "OrderedDict")
    pickle.op(")")
    pickle.op("R")
    pickle.op("s")
    pickle.op("b")
    pickle.op(".")
    let file = try open(TorchFileBuilder(pickle: pickle.bytes, storages: [("0", values)]))
    #expect(file.tensors[0].type == .f16)
  }

  @Test func protocolFourIsRead() throws {
    // The same tensor with FRAME, SHORT_BINUNICODE, STACK_GLOBAL and MEMOIZE.
    var program: [UInt8] = [0x80, 4, 0x95] + [UInt8](repeating: 0, count: 8)
    func text(_ text: String) {
      program += [0x8C, UInt8(text.utf8.count)] + Array(text.utf8) + [0x94]
    }
    func global(_ module: String, _ name: String) {
      text(module)
      text(name)
      program += [0x93, 0x94]
    }
    program += Array("}".utf8) + [0x94]
    text("x")
    global("torch._utils", "_rebuild_tensor_v2")
    program += Array("((".utf8)
    text("storage")
    global("torch", "FloatStorage")
    text("0")
    text("cuda:0")
    program += Array("K\u{C}tQK\u{0}K\u{3}".utf8) + [0x85] + Array("K\u{1}".utf8) + [0x85, 0x89]
    global("collections", "OrderedDict")
    program += Array(")RtRs.".utf8)
    let file = try open(TorchFileBuilder(pickle: program, storages: [("0", values)]))
    #expect(try file.bytes(rows: 0..<1, ofTensor: 0) == words([0, 1, 2]))
  }

  @Test(arguments: ["delta/pytorch_model-00001-of-00003.bin", "base-meta/consolidated.00.pth"])
  func filesThatTorchWroteAreRead(name: String) throws {
    let file = try PyTorchFile(path: Fixtures.miniZiya(name))
    #expect(file.tensors.count > 10)
    #expect(file.tensors.contains { $0.type == .f16 })
  }
}
