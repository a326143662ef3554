import Synchronization
import Tensors

/// A deflated entry that several threads read in ascending, interleaved ranges.
///
/// Each range goes to the stream that is nearest before it, so that every thread has one that goes
/// forwards with it, and none has to start again.
final class InflatedEntry: Sendable {
  /// How many streams are kept; each holds about 100 kB.
  private static let limit = 16

  private let entry: ZipArchive.Entry
  private let idle = Mutex<[Inflater]>([])

  init(_ entry: ZipArchive.Entry) { self.entry = entry }

  /// Reads bytes of the inflated entry.
  func read(
    at position: Int, count: Int, from file: borrowing InputFile, into bytes: inout MutableRawSpan,
    at offset: Int
  ) throws(WeightmillError) {
    let stream = idle.withLock { streams -> Inflater? in
      let behind = streams.indices.filter { streams[$0].position <= position }
      let nearest = behind.max { streams[$0].position < streams[$1].position }
      return nearest.map { streams.remove(at: $0) }
    }
    let inflater = stream ?? Inflater(entry)
    try inflater.read(at: position, count: count, from: file, into: &bytes, at: offset)
    // One that has come to its end will not be needed again.
    guard inflater.position < entry.size else { return }
    idle.withLock { streams in
      streams.append(inflater)
      if streams.count > Self.limit { streams.removeFirst() }
    }
  }
}
