import CZlib
import Synchronization
import Tensors

/// The checksum of a storage, put together from the ranges that are read, in any order.
///
/// When the ranges have covered the whole storage, their checksum must be the one its zip entry
/// records (rule ZIP-08). A storage that is never read whole is never checked.
final class StorageChecksum: Sendable {
  private struct Segment {
    let range: Range<Int>
    let crc: UInt
  }

  private enum State {
    case partial([Segment])
    /// Verified, or given up.
    case closed
  }

  /// More ranges than this are rows looked up one by one, not a storage read whole.
  private static let maximumSegments = 4096

  private let entry: ZipArchive.Entry
  private let state = Mutex(State.partial([]))

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

  private var isClosed: Bool {
    state.withLock { state in
      if case .closed = state { true } else { false }
    }
  }

  /// Keeps a segment; returns the checksum of all when they are the whole storage.
  private func insert(_ segment: Segment) -> UInt? {
    state.withLock { state in
      guard case .partial(var segments) = state else { return nil }
      state = .partial([])  // so that the array is not copied
      // Rows that were sampled before lie within a range that is read now. A range that overlaps
      // otherwise cannot be joined and is left out.
      segments.removeAll { other in
        segment.range.lowerBound <= other.range.lowerBound
          && other.range.upperBound <= segment.range.upperBound
      }
      if !segments.contains(where: { $0.range.overlaps(segment.range) }) {
        segments.append(segment)
      }
      let isWhole = segments.reduce(0) { $0 + $1.range.count } == entry.size
      state = isWhole || segments.count > Self.maximumSegments ? .closed : .partial(segments)
      return isWhole ? Self.checksum(segments) : nil
    }
  }

  private static func checksum(_ segments: [Segment]) -> UInt {
    segments.sorted { $0.range.lowerBound < $1.range.lowerBound }.reduce(0) { crc, segment in
      weightmill_crc32_combine(crc, segment.crc, Int64(segment.range.count))
    }
  }
}
