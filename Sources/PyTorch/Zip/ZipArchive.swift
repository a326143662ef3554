import WeightmillTensors

/// The entries of a zip file, read from its central directory and checked against local headers.
///
/// Where two readers could see two different archives the file is refused; the rules and their
/// ids (ZIP-01 …) are in `formats/pytorch.md`.
struct ZipArchive: Sendable {
  /// An entry: where its bytes lie and how they are stored.
  struct Entry: Sendable {
    enum Method: UInt16 {
      case stored = 0
      case deflated = 8
    }

    let name: String
    let flags: UInt16
    let method: Method
    /// The CRC-32 of the data; 0 when the writer recorded none.
    let crc: UInt32
    let compressedSize: Int
    let size: Int
    let headerOffset: Int
    /// The first byte of the data; known once the local header was read.
    var dataOffset = 0
    /// The bytes of the descriptor after the data, if there is one.
    var descriptorSize = 0

    var end: Int { dataOffset + compressedSize + descriptorSize }
  }

  /// The entries, in the order of the central directory.
  let entries: [Entry]
  private let indices: [String: Int]

  subscript(_ name: String) -> Entry? { indices[name].map { entries[$0] } }

  init(_ file: borrowing InputFile) throws(WeightmillError) {
    guard try file.bytes(at: 0, count: min(4, file.byteCount)) == [0x50, 0x4B, 0x03, 0x04] else {
      throw WeightmillError(.malformed, file.path, "does not begin with a zip entry")
    }
    let directory = try ZipDirectory(file)
    var entries: [Entry] = []
    var cursor = ByteCursor(
      try file.bytes(at: directory.offset, count: directory.size), file: file.path,
      base: directory.offset)
    for _ in 0..<directory.count { entries.append(try Self.centralRecord(&cursor)) }
    guard cursor.remaining == 0 else {
      throw cursor.error("the zip directory is longer than its entries")
    }
    for index in entries.indices {
      try Self.checkLocalHeader(&entries[index], file: file, directory: directory)
    }
    try Self.checkOverlaps(entries, path: file.path)
    var indices: [String: Int] = [:]
    var folded: Set<String> = []
    for (index, entry) in entries.enumerated() {
      guard folded.insert(entry.name.lowercased()).inserted else {
        throw WeightmillError(
          .refused, file.path, "two zip entries are named \(quoted(entry.name))")
      }
      indices[entry.name] = index
    }
    self.entries = entries
    self.indices = indices
  }

  private static func centralRecord(_ cursor: inout ByteCursor) throws(WeightmillError) -> Entry {
    let start = cursor
    guard try cursor.read(UInt32.self) == 0x0201_4B50 else {
      throw start.error("a zip directory record was expected")
    }
    try cursor.skip(4)
    let flags = try cursor.read(UInt16.self)
    let methodCode = try cursor.read(UInt16.self)
    try cursor.skip(4)
    let crc = try cursor.read(UInt32.self)
    var compressed = UInt64(try cursor.read(UInt32.self))
    var size = UInt64(try cursor.read(UInt32.self))
    let nameLength = Int(try cursor.read(UInt16.self))
    let extraLength = Int(try cursor.read(UInt16.self))
    let commentLength = Int(try cursor.read(UInt16.self))
    let disk = try cursor.read(UInt16.self)
    try cursor.skip(6)
    var offset = UInt64(try cursor.read(UInt32.self))
    let name = try cursor.readText(nameLength)
    try readZip64Extra(
      &cursor, length: extraLength, size: &size, compressed: &compressed, offset: &offset)
    try cursor.skip(commentLength)

    // Bits 1, 2 (deflate hints), 3 (descriptor) and 11 (UTF-8) only: the rest is encryption.
    guard flags & ~0x080E == 0, disk == 0 else {
      throw start.error("the zip entry \(quoted(name)) is encrypted or in parts", code: .refused)
    }
    guard let method = Entry.Method(rawValue: methodCode) else {
      throw start.error(
        "the zip entry \(quoted(name)) uses compression method \(methodCode)", code: .unsupported)
    }
    guard let compressed = Int(exactly: compressed), let size = Int(exactly: size),
      let offset = Int(exactly: offset), method == .deflated || compressed == size
    else { throw start.error("the sizes of zip entry \(quoted(name)) are impossible") }
    return Entry(
      name: name, flags: flags, method: method, crc: crc, compressedSize: compressed, size: size,
      headerOffset: offset)
  }

  private static func readZip64Extra(
    _ cursor: inout ByteCursor, length: Int, size: inout UInt64, compressed: inout UInt64,
    offset: inout UInt64
  ) throws(WeightmillError) {
    guard cursor.remaining >= length else { throw cursor.error("a zip record ends too early") }
    let end = cursor.position + length
    var hasWideFields = false
    while end - cursor.position >= 4 {
      let kind = try cursor.read(UInt16.self)
      let fieldEnd = cursor.position + 2 + Int(try cursor.read(UInt16.self))
      guard fieldEnd <= end else { throw cursor.error("a zip extra field is too long") }
      if kind == 1 {
        guard !hasWideFields else { throw cursor.error("a zip entry has two zip64 fields") }
        for field in [0, 1, 2] {
          let value = field == 0 ? size : field == 1 ? compressed : offset
          guard value == 0xFFFF_FFFF else { continue }
          guard fieldEnd - cursor.position >= 8 else {
            throw cursor.error("a zip64 extra field is too short")
          }
          let wide = try cursor.read(UInt64.self)
          switch field {
          case 0: size = wide
          case 1: compressed = wide
          default: offset = wide
          }
        }
      }
      try cursor.skip(fieldEnd - cursor.position)
      if kind == 1 { hasWideFields = true }
    }
    try cursor.skip(end - cursor.position)
    guard hasWideFields || [size, compressed, offset].allSatisfy({ $0 != 0xFFFF_FFFF }) else {
      throw cursor.error("a zip entry lacks its 64-bit sizes")
    }
  }

  /// Reads the local header: its name, flags and method must repeat the directory's.
  private static func checkLocalHeader(
    _ entry: inout Entry, file: borrowing InputFile, directory: ZipDirectory
  ) throws(WeightmillError) {
    let fault = WeightmillError(
      .refused, file.path, "the zip entry \(quoted(entry.name)) differs from its directory record",
      at: "byte \(entry.headerOffset)", remedy: "the file is damaged or made to mislead")
    guard entry.headerOffset <= directory.offset - 30 else { throw fault }
    let nameLength = entry.name.utf8.count
    var cursor = ByteCursor(
      try file.bytes(
        at: entry.headerOffset, count: min(30 + nameLength, directory.offset - entry.headerOffset)),
      file: file.path, base: entry.headerOffset)
    guard try cursor.read(UInt32.self) == 0x0403_4B50 else { throw fault }
    try cursor.skip(2)
    guard try cursor.read(UInt16.self) == entry.flags,
      try cursor.read(UInt16.self) == entry.method.rawValue
    else { throw fault }
    try cursor.skip(8)
    let sizes = [try cursor.read(UInt32.self), try cursor.read(UInt32.self)]
    // With bit 3 the sizes follow the data; all ones say that they are in the extra field.
    if entry.flags & 8 == 0 {
      for (size, expected) in zip(sizes, [entry.compressedSize, entry.size]) {
        guard size == 0xFFFF_FFFF || Int(size) == expected else { throw fault }
      }
    }
    guard Int(try cursor.read(UInt16.self)) == nameLength else { throw fault }
    let extraLength = Int(try cursor.read(UInt16.self))
    guard cursor.remaining == nameLength,
      try cursor.readText(nameLength).utf8.elementsEqual(entry.name.utf8)
    else {
      throw fault
    }
    entry.dataOffset = entry.headerOffset + 30 + nameLength + extraLength
    guard entry.dataOffset <= directory.offset,
      entry.compressedSize <= directory.offset - entry.dataOffset
    else {
      throw WeightmillError(
        .malformed, file.path, "the zip entry \(quoted(entry.name)) reaches beyond the data",
        at: "byte \(entry.headerOffset)",
        remedy: "the download may be incomplete: fetch the file again")
    }
    if entry.flags & 8 != 0 {
      let room = min(24, directory.offset - entry.end)
      let bytes = try file.bytes(at: entry.end, count: room)
      guard let size = entry.descriptorSize(in: bytes) else { throw fault }
      entry.descriptorSize = size
    }
  }

  private static func checkOverlaps(_ entries: [Entry], path: String) throws(WeightmillError) {
    var end = 0
    for entry in entries.sorted(by: { $0.headerOffset < $1.headerOffset }) {
      guard entry.headerOffset >= end else {
        throw WeightmillError(
          .refused, path, "the zip entry \(quoted(entry.name)) overlaps another",
          at: "byte \(entry.headerOffset)", remedy: "only hostile files are made so")
      }
      end = entry.end
    }
  }
}

extension ZipArchive.Entry {
  /// The size of the descriptor that repeats the checksum and both sizes; `nil` when there is none.
  ///
  /// It has a signature or none, and sizes of 32 or 64 bits.
  fileprivate func descriptorSize(in bytes: [UInt8]) -> Int? {
    func number(_ offset: Int, _ count: Int) -> UInt64 {
      bytes[offset..<offset + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    for (signature, width) in [(4, 4), (4, 8), (0, 4), (0, 8)] {
      let count = signature + 4 + 2 * width
      guard bytes.count >= count, signature == 0 || number(0, 4) == 0x0807_4B50,
        number(signature, 4) == UInt64(crc),
        number(signature + 4, width) == UInt64(compressedSize),
        number(signature + 4 + width, width) == UInt64(size)
      else { continue }
      return count
    }
    return nil
  }
}
