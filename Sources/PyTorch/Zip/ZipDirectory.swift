import WeightmillTensors

/// Where the central directory of a zip file lies, according to its end records.
struct ZipDirectory {
  /// The largest directory accepted, in bytes. One of 10,000 tensors takes about 1 MB.
  private static let maximumBytes = 16 << 20

  let offset: Int
  let size: Int
  let count: Int

  init(_ file: borrowing InputFile) throws(WeightmillError) {
    let incomplete = WeightmillError(
      .malformed, file.path, "is a zip file without its end",
      remedy: "the download may be incomplete: fetch the file again")
    guard file.byteCount >= 22 else { throw incomplete }
    let tailStart = max(0, file.byteCount - 22 - 0xFFFF)
    let tail = try file.bytes(at: tailStart, count: file.byteCount - tailStart)
    let starts = Self.endRecords(in: tail)
    guard let start = starts.first else { throw incomplete }
    // Readers that look from the end take the last signature for the end, comment or not.
    guard starts.count == 1, !Self.hasSignature(tail[(start + 22)...]) else {
      throw WeightmillError(.refused, file.path, "is a zip file with two ends")
    }
    let position = tailStart + start

    var cursor = ByteCursor(Array(tail[start...]), file: file.path, base: position)
    try cursor.skip(4)
    let disks = (try cursor.read(UInt16.self), try cursor.read(UInt16.self))
    let counts = (try cursor.read(UInt16.self), try cursor.read(UInt16.self))
    var size = UInt64(try cursor.read(UInt32.self))
    var offset = UInt64(try cursor.read(UInt32.self))
    var count = UInt64(counts.1)
    var end = position
    let inconsistent = WeightmillError(
      .malformed, file.path, "has an inconsistent zip end record", at: "byte \(position)",
      remedy: "the file is damaged: fetch it again")
    guard disks == (0, 0), counts.0 == counts.1 else { throw inconsistent }

    if let wide = try Zip64End(file, before: position) {
      guard count == 0xFFFF || count == wide.count, size == 0xFFFF_FFFF || size == wide.size,
        offset == 0xFFFF_FFFF || offset == wide.offset
      else { throw inconsistent }
      (count, size, offset, end) = (wide.count, wide.size, wide.offset, wide.position)
    }
    guard let size = Int(exactly: size), let offset = Int(exactly: offset), offset <= end,
      size == end - offset, count > 0, count <= UInt64(size / 46)
    else { throw inconsistent }
    guard size <= Self.maximumBytes else {
      throw WeightmillError(
        .refused, file.path, "has a zip directory of \(size) bytes, more than any checkpoint")
    }
    self.offset = offset
    self.size = size
    self.count = Int(count)
  }

  private static func hasSignature(_ bytes: ArraySlice<UInt8>) -> Bool {
    bytes.indices.dropLast(3).contains { bytes[$0...].starts(with: [0x50, 0x4B, 5, 6]) }
  }

  /// The offsets in `tail` of end records whose comment ends with the file.
  private static func endRecords(in tail: [UInt8]) -> [Int] {
    (0...tail.count - 22).filter { start in
      tail[start] == 0x50 && tail[start + 1] == 0x4B && tail[start + 2] == 5
        && tail[start + 3] == 6
        && Int(tail[start + 20]) | Int(tail[start + 21]) << 8 == tail.count - start - 22
    }
  }
}

/// The zip64 end record, which PyTorch always writes.
private struct Zip64End {
  let count: UInt64
  let size: UInt64
  let offset: UInt64
  let position: Int

  init?(_ file: borrowing InputFile, before end: Int) throws(WeightmillError) {
    guard end >= 20 + 56 else { return nil }
    var locator = ByteCursor(
      try file.bytes(at: end - 20, count: 20), file: file.path, base: end - 20)
    guard try locator.read(UInt32.self) == 0x0706_4B50 else { return nil }
    let start = locator
    guard try locator.read(UInt32.self) == 0,
      let position = Int(exactly: try locator.read(UInt64.self)), position <= end - 20 - 56,
      try locator.read(UInt32.self) <= 1
    else { throw start.error("the zip64 end record is not where it should be") }
    var cursor = ByteCursor(
      try file.bytes(at: position, count: 56), file: file.path, base: position)
    guard try cursor.read(UInt32.self) == 0x0606_4B50,
      try cursor.read(UInt64.self) == UInt64(end - 20 - position - 12)
    else { throw cursor.error("the zip64 end record is not where it should be") }
    try cursor.skip(4)
    guard try cursor.read(UInt64.self) == 0 else {
      throw cursor.error("the zip file is one of several parts", code: .unsupported)
    }
    let counts = (try cursor.read(UInt64.self), try cursor.read(UInt64.self))
    guard counts.0 == counts.1 else { throw cursor.error("the zip64 end record is inconsistent") }
    self.count = counts.0
    self.size = try cursor.read(UInt64.self)
    self.offset = try cursor.read(UInt64.self)
    self.position = position
  }
}
