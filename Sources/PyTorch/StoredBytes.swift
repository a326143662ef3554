import CWeightmillZlib
import Synchronization
import WeightmillTensors

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

/// The checksum of a storage, put together from the ranges that are read, in any order.
///
/// When the ranges have covered the whole storage, their checksum must be the one its zip entry
/// records (rule ZIP-08). A storage that is never read whole is never checked.
final class StorageChecksum: Sendable {
  private struct Segment {
    let range: Range<Int>
    let crc: UInt
  }

  /// The segments read so far, in order, none of them overlapping.
  private struct State {
    var segments: [Segment] = []
    var covered = 0
    /// Whether it was verified, or given up.
    var isClosed = false
  }

  /// More ranges than this are rows looked up one by one, not a storage read whole: at a megabyte
  /// each they would be 256 GB.
  private static let maximumSegments = 1 << 18

  private let entry: ZipArchive.Entry
  private let state = Mutex(State())

  /// Returns `nil` for an entry that records no checksum.
  init?(_ entry: ZipArchive.Entry) {
    guard entry.crc != 0, entry.size > 0 else { return nil }
    self.entry = entry
  }

  /// Takes a range that was read.
  ///
  /// - Parameters:
  ///   - start: Where in the storage the range begins.
  ///   - bytes: Its bytes, from `offset` on.
  ///   - offset: The first of them.
  ///   - count: How many there are.
  ///   - path: The file, for messages.
  /// - Throws: `malformed` when the storage has been read whole and its checksum differs.
  func add(
    _ start: Int, _ bytes: borrowing MutableRawSpan, from offset: Int, count: Int, path: String
  ) throws(WeightmillError) {
    guard count > 0, !isClosed else { return }
    let crc = unsafe bytes.withUnsafeBytes { buffer in
      var crc: UInt = 0
      var done = 0
      while done < count {
        let piece = min(count - done, 1 << 30)
        let from = unsafe buffer.baseAddress.map { unsafe $0 + offset + done }
        crc = unsafe crc32(crc, from?.assumingMemoryBound(to: UInt8.self), UInt32(piece))
        done += piece
      }
      return crc
    }
    guard let whole = insert(Segment(range: start..<start + count, crc: crc)) else { return }
    guard whole == UInt(entry.crc) else {
      throw WeightmillError(
        .malformed, path, "the storage \(quoted(entry.name)) is damaged: its checksum differs",
        remedy: "fetch the file again")
    }
  }

  private var isClosed: Bool { state.withLock(\.isClosed) }

  /// Keeps a segment; returns the checksum of all when they are the whole storage.
  private func insert(_ segment: Segment) -> UInt? {
    state.withLock { state in
      guard !state.isClosed else { return nil }
      let first = state.segments.partition { $0.range.upperBound > segment.range.lowerBound }
      var end = first
      while end < state.segments.count,
        state.segments[end].range.lowerBound < segment.range.upperBound
      {
        // Rows that were sampled before lie within a range that is read now. A range that
        // overlaps otherwise cannot be joined and is left out.
        let other = state.segments[end].range
        guard segment.range.lowerBound <= other.lowerBound,
          other.upperBound <= segment.range.upperBound
        else { return nil }
        end += 1
      }
      state.covered -= state.segments[first..<end].reduce(0) { $0 + $1.range.count }
      state.segments.replaceSubrange(first..<end, with: [segment])
      state.covered += segment.range.count
      let isWhole = state.covered == entry.size
      let checksum = isWhole ? Self.checksum(state.segments) : nil
      if isWhole || state.segments.count > Self.maximumSegments {
        state = State(isClosed: true)
      }
      return checksum
    }
  }

  private static func checksum(_ segments: [Segment]) -> UInt {
    segments.reduce(0) { crc, segment in
      weightmill_crc32_combine(crc, segment.crc, Int64(segment.range.count))
    }
  }
}

extension Array {
  /// The index of the first element for which a predicate holds that holds for all after it.
  fileprivate func partition(_ holds: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if holds(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
