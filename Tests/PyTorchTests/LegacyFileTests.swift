import Testing
import WeightmillPyTorch
import WeightmillTensors
import WeightmillTestSupport

/// Files of PyTorch before 1.6: five pickles, then the storages.
struct LegacyFileTests {
  private let folder: TemporaryFolder
  private static let values = [UInt8](0..<48)

  init() throws { folder = try TemporaryFolder() }

  /// A file with one tensor of twelve float32 values, and places to lie in.
  private struct Builder {
    /// The protocol of the pickle with the magic number.
    var protocolVersion: UInt8 = 2
    var version = 1001
    var littleEndian: UInt8 = 0x88
    var keys = ["7"]
    var count = 12
    var counts: [Int64] = [12]
    var view: (offset: Int, size: Int)?
    var size = 12
    var offset = 0
    var trailer: [UInt8] = []

    var bytes: [UInt8] {
      var version = PickleBuilder()
      version.integer(self.version)
      version.op(".")
      var machine = PickleBuilder()
      machine.op("}")
      machine.text("little_endian")
      machine.raw([littleEndian])
      machine.op("s")
      machine.op(".")
      var list = PickleBuilder()
      list.op("]")
      for key in keys {
        list.text(key)
        list.op("a")
      }
      list.op(".")
      var file = Bytes()
      file.put([0x80, protocolVersion])
      if protocolVersion >= 4 { file.put([0x95, 13, 0, 0, 0, 0, 0, 0, 0]) }
      file.put([0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19])
      file.put(".")
      for pickle in [version.bytes, machine.bytes, object, list.bytes] { file.put(pickle) }
      for count in counts {
        file.put(count)
        file.put(values)
      }
      return file.all + trailer
    }

    private var object: [UInt8] {
      var pickle = PickleBuilder()
      pickle.op("}")
      pickle.text("x")
      pickle.global("torch._utils", "_rebuild_tensor")
      pickle.op("(")
      pickle.op("(")
      pickle.text("storage")
      pickle.global("torch", "FloatStorage")
      pickle.text("7")
      pickle.text("cpu")
      pickle.integer(count)
      if let view {
        pickle.op("(")
        pickle.text("8")
        pickle.integer(view.offset)
        pickle.integer(view.size)
        pickle.op("t")
      } else {
        pickle.op("N")
      }
      pickle.op("t")
      pickle.op("Q")
      pickle.integer(offset)
      pickle.tuple([size])
      pickle.tuple([1])
      pickle.op("t")
      pickle.op("R")
      pickle.op("s")
      pickle.op(".")
      return pickle.bytes
    }
  }

  private func read(_ change: (inout Builder) -> Void = { _ in }) throws -> [UInt8] {
    var builder = Builder()
    change(&builder)
    let file = try PyTorchFile(path: folder.write(builder.bytes, to: "x.pt"))
    return try file.bytes(rows: 0..<1, ofTensor: 0)
  }

  @Test func valuesFollowThePickles() throws { #expect(try read() == Self.values) }

  @Test(arguments: [UInt8(3), 4, 5])
  func otherProtocolsAreRead(version: UInt8) throws {
    #expect(try read { $0.protocolVersion = version } == Self.values)
  }

  @Test("LEG-01: other versions are unsupported") func otherVersionsAreUnsupported() {
    expectError(.unsupported) { _ = try read { $0.version = 1002 } }
  }

  @Test("LEG-02: big endian files are unsupported") func bigEndianFilesAreUnsupported() {
    expectError(.unsupported) { _ = try read { $0.littleEndian = 0x89 } }
  }

  @Test(
    "LEG-03: the list names the storages that are used",
    arguments: [[], ["8"], ["7", "8"], ["7", "7"]]) func theListNamesTheStoragesThatAreUsed(
      keys: [String]
    )
  {
    expectError(.refused) { _ = try read { $0.keys = keys } }
  }

  @Test(
    "LEG-04: counts agree with the pickle", arguments: [11, 13, -1, 0, 1 << 62, (1 << 62) + 12])
  func countsAgreeWithThePickle(count: Int) {
    expectError(.refused) { _ = try read { $0.counts = [Int64(count)] } }
    #expect(throws: WeightmillError.self) { _ = try read { $0.count = count } }
  }

  @Test("LEG-04: values that are not there are missed") func valuesThatAreNotThereAreMissed() {
    expectError(.malformed) {
      _ = try read {
        $0.count = 1 << 40
        $0.counts = [1 << 40]
      }
    }
  }

  @Test("LEG-05: nothing follows the last storage") func nothingFollowsTheLastStorage() {
    expectError(.malformed) { _ = try read { $0.trailer = [0] } }
  }

  @Test("LEG-06: views are read within their storage") func viewsAreReadWithinTheirStorage() throws
  {
    let bytes = try read {
      $0.view = (4, 3)
      $0.size = 2
      $0.offset = 1
    }
    #expect(bytes == Array(Self.values[20..<28]))
    for (offset, size) in [(4, 9), (-1, 2), (0, -1), (13, 0), (Int.max, 1), (1, Int.max)] {
      #expect(throws: WeightmillError.self) {
        _ = try read {
          $0.view = (offset, size)
          $0.size = 1
        }
      }
    }
    // The tensor reaches beyond the view, not beyond the storage.
    expectError(.refused) {
      _ = try read {
        $0.view = (0, 3)
        $0.size = 4
      }
    }
  }

  @Test func cutAnywhereTheFileIsRefused() throws {
    let whole = Builder().bytes
    for count in 16..<whole.count {
      let path = try folder.write(Array(whole[..<count]), to: "x.pt")
      #expect(throws: WeightmillError.self) { _ = try PyTorchFile(path: path) }
    }
  }

  @Test func noFlippedByteCrashesTheReader() throws {
    let whole = Builder().bytes
    for offset in whole.indices {
      for mask: UInt8 in [0x01, 0x80, 0xFF] {
        var bytes = whole
        bytes[offset] ^= mask
        let path = try folder.write(bytes, to: "x.pt")
        expectNoCrash { _ = try PyTorchFile(path: path).bytes(rows: 0..<1, ofTensor: 0) }
      }
    }
  }
}
