import CWeightmillZlib

/// Builds zip files as `torch.save` writes them, honest or not.
public struct TorchFileBuilder: Sendable {
  /// One entry of the zip file.
  public struct Entry: Sendable {
    /// The name.
    public var name: String
    /// The bytes before they are deflated, if they are.
    public var data: [UInt8]
    /// 0 for stored, 8 for deflated.
    public var method: UInt16 = 0
    /// The general purpose flags.
    public var flags: UInt16 = 0
    /// What the directory says of the checksum; the right one if `nil`.
    public var crc: UInt32?
    /// What the local header says of the name.
    public var localName: String?
    /// What the directory says of the size.
    public var size: UInt32?
    /// What the directory says of the local header's offset.
    public var offset: UInt32?

    /// A stored entry.
    public init(_ name: String, _ data: [UInt8]) {
      self.name = name
      self.data = data
    }
  }

  /// The entries, in the order of the file.
  public var entries: [Entry] = []
  /// Bytes after the end record.
  public var trailer: [UInt8] = []

  /// A file with a pickle, storages by key, and what torch adds.
  public init(pickle: [UInt8], storages: [(String, [UInt8])] = []) {
    entries = [Entry("archive/data.pkl", pickle)]
    entries += storages.map { Entry("archive/data/\($0.0)", $0.1) }
    entries.append(Entry("archive/version", Array("3\n".utf8)))
  }

  /// The bytes of the file.
  public var bytes: [UInt8] {
    var file = Bytes()
    var directory = Bytes()
    for entry in entries {
      let start = UInt32(file.all.count)
      let stored = entry.method == 8 ? deflated(entry.data) : entry.data
      let size = entry.size ?? UInt32(entry.data.count)
      let crc = entry.crc ?? Self.checksum(entry.data)
      let localName = entry.localName ?? entry.name
      file.put(UInt32(0x0403_4B50))
      file.put(UInt16(20))
      file.put(entry.flags)
      file.put(entry.method)
      file.put(UInt32(0))
      file.put(crc)
      file.put(entry.method == 0 ? size : UInt32(stored.count))
      file.put(size)
      file.put(UInt16(localName.utf8.count))
      file.put(UInt16(0))
      file.put(localName)
      file.put(stored)

      directory.put(UInt32(0x0201_4B50))
      directory.put(UInt32(0))
      directory.put(entry.flags)
      directory.put(entry.method)
      directory.put(UInt32(0))
      directory.put(crc)
      directory.put(entry.method == 0 ? size : UInt32(stored.count))
      directory.put(size)
      directory.put(UInt16(entry.name.utf8.count))
      directory.put([UInt8](repeating: 0, count: 12))
      directory.put(entry.offset ?? start)
      directory.put(entry.name)
    }
    let offset = UInt32(file.all.count)
    file.put(directory.all)
    file.put(UInt32(0x0605_4B50))
    file.put(UInt32(0))
    file.put(UInt16(entries.count))
    file.put(UInt16(entries.count))
    file.put(UInt32(directory.all.count))
    file.put(offset)
    file.put(UInt16(0))
    return file.all + trailer
  }

  /// The CRC-32 of bytes.
  public static func checksum(_ data: [UInt8]) -> UInt32 {
    data.withUnsafeBufferPointer {
      UInt32(truncatingIfNeeded: crc32(0, $0.baseAddress, UInt32($0.count)))
    }
  }

  /// Raw deflate.
  private func deflated(_ data: [UInt8]) -> [UInt8] {
    var packed = [UInt8](repeating: 0, count: Int(compressBound(UInt(data.count))))
    var count = UInt(packed.count)
    compress2(&packed, &count, data, UInt(data.count), 6)
    // zlib's wrapper is two bytes before and four after the raw stream.
    return Array(packed[2..<Int(count) - 4])
  }
}

/// Writes pickle programs opcode by opcode.
public struct PickleBuilder: Sendable {
  /// The program so far.
  public var bytes: [UInt8] = [0x80, 2]

  /// Begins a program of protocol 2.
  public init() {}

  /// An opcode.
  public mutating func op(_ character: Character) { bytes += character.utf8 }

  /// Bytes as they are.
  public mutating func raw(_ values: [UInt8]) { bytes += values }

  /// GLOBAL: a name of a module.
  public mutating func global(_ module: String, _ name: String) {
    bytes += "c\(module)\n\(name)\n".utf8
  }

  /// BINUNICODE: a text.
  public mutating func text(_ text: String) {
    var length = Bytes()
    length.put(UInt32(text.utf8.count))
    bytes += [0x58] + length.all + Array(text.utf8)
  }

  /// An integer as LONG1, which holds any 64-bit one.
  public mutating func integer(_ value: Int) {
    var digits = Bytes()
    digits.put(Int64(value))
    bytes += [0x8A, 8] + digits.all
  }

  /// A tuple of integers.
  public mutating func tuple(_ values: [Int]) {
    op("(")
    for value in values { integer(value) }
    op("t")
  }

  /// A reference to a storage.
  public mutating func storage(_ kind: String, key: String, count: Int) {
    op("(")
    text("storage")
    global("torch", kind)
    text(key)
    text("cpu")
    integer(count)
    op("t")
    op("Q")
  }

  /// A tensor.
  public mutating func tensor(
    _ kind: String, key: String, count: Int, offset: Int = 0, size: [Int], stride: [Int]
  ) {
    global("torch._utils", "_rebuild_tensor_v2")
    op("(")
    storage(kind, key: key, count: count)
    integer(offset)
    tuple(size)
    tuple(stride)
    bytes.append(0x89)
    global("collections", "OrderedDict")
    op(")")
    op("R")
    op("t")
    op("R")
  }

  /// A program that gives a dictionary with one tensor.
  public static func single(
    _ kind: String = "FloatStorage", count: Int, offset: Int = 0, size: [Int], stride: [Int]
  ) -> [UInt8] {
    var pickle = PickleBuilder()
    pickle.op("}")
    pickle.op("(")
    pickle.text("x")
    pickle.tensor(kind, key: "0", count: count, offset: offset, size: size, stride: stride)
    pickle.op("u")
    pickle.op(".")
    return pickle.bytes
  }
}
