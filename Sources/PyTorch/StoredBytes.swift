import Tensors

/// Where in the file the bytes of a storage are: side by side, or deflated in a zip entry.
final class StoredBytes: Sendable {
  /// The size of the storage, inflated.
  let byteCount: Int
  private let position: Int
  private let inflater: InflatedEntry?
  private let checksum: StorageChecksum?

  /// The storage of a zip entry.
  init(_ entry: ZipArchive.Entry) {
    byteCount = entry.size
    position = entry.dataOffset
    inflater = entry.method == .deflated ? InflatedEntry(entry) : nil
    checksum = StorageChecksum(entry)
  }

  /// A storage that lies in the file as it is.
  init(position: Int, byteCount: Int) {
    self.position = position
    self.byteCount = byteCount
    inflater = nil
    checksum = nil
  }

  /// Whether a range can only be read by inflating all before it.
  var isDeflated: Bool { inflater != nil }

  /// Reads bytes of the storage, and takes them into its checksum.
  func read(
    at start: Int, count: Int, from file: borrowing InputFile, into bytes: inout MutableRawSpan,
    at offset: Int
  ) throws(WeightmillError) {
    try readUnchecked(at: start, count: count, from: file, into: &bytes, at: offset)
    try checksum?.add(start, bytes, from: offset, count: count, path: file.path)
  }

  /// Reads bytes of the storage: too few at a time to keep for a checksum.
  func readUnchecked(
    at start: Int, count: Int, from file: borrowing InputFile, into bytes: inout MutableRawSpan,
    at offset: Int
  ) throws(WeightmillError) {
    if let inflater {
      try inflater.read(at: start, count: count, from: file, into: &bytes, at: offset)
    } else {
      try file.read(at: position + start, count: count, into: &bytes, at: offset)
    }
  }

  /// Reads a small storage once to compare its checksum: its tensors may see a part of it only.
  func checkSmall(upTo limit: Int, in file: borrowing InputFile) throws(WeightmillError) {
    guard byteCount <= limit, inflater != nil || checksum != nil else { return }
    var bytes = [UInt8](repeating: 0, count: byteCount)
    try bytes.withMutableBytes { (span) throws(WeightmillError) in
      try read(at: 0, count: byteCount, from: file, into: &span, at: 0)
    }
  }
}
