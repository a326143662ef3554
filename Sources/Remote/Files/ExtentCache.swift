#if Remote
  import Synchronization

  /// The pieces of files that are kept in memory, and what is read ahead.
  ///
  /// A file that is read here and there comes in small pieces. One that is read from one end to the other
  /// comes in pieces that grow to 4 MiB, several of them ahead of the reader.
  final class ExtentCache: Sendable {
    fileprivate struct Entry {
      let extent: Extent
      var lastUse: Int
      /// Whether somebody has read of it: what was read ahead goes last.
      var isRead: Bool
    }

    fileprivate struct State {
      /// The pieces of each file, by their position; none of them overlap.
      var files: [Int: [Entry]] = [:]
      var bytes = 0
      var clock = 0
    }

    /// The size that small pieces are a multiple of, in bytes.
    static let grain = 64 << 10
    /// The largest piece, in bytes.
    static let largest = 4 << 20
    /// The smallest piece behind which a file is read ahead, in bytes.
    static let leastAhead = 1 << 20

    private let limit: Int
    private let ahead: Int
    private let state = Mutex(State())

    /// Makes an empty cache.
    ///
    /// - Parameters:
    ///   - limit: How many bytes are kept. Pieces that somebody waits for are kept all the same.
    ///   - ahead: How far a file is read ahead.
    init(limit: Int, ahead: Int) { (self.limit, self.ahead) = (limit, ahead) }

    /// A file's piece that holds a byte.
    struct Found {
      let extent: Extent
      /// The pieces behind it that are to be fetched, too.
      let ahead: [Extent]
    }

    /// Keeps bytes that were read.
    func insert(_ bytes: [UInt8], at position: Int, of file: Int) {
      guard !bytes.isEmpty else { return }
      state.withLock { state in
        let extent = Extent.ready(position..<position + bytes.count, bytes)
        state.insert(extent, of: file, isRead: true)
        state.shrink(to: limit)
      }
    }

    /// Finds or makes the piece that holds a byte.
    ///
    /// - Parameters:
    ///   - position: The byte, before the file's end.
    ///   - count: How many bytes are wanted from there on.
    ///   - file: The file.
    ///   - size: Its size.
    /// - Returns: The piece, and what is to be read ahead.
    func extent(at position: Int, wanting count: Int, of file: Int, size: Int) -> Found {
      state.withLock { state in
        let (extent, isSequential) =
          state.found(position, of: file) ?? state.made(position, count, of: file, size: size)
        defer { state.shrink(to: limit) }
        guard isSequential else { return Found(extent: extent, ahead: []) }
        return Found(
          extent: extent,
          ahead: state.readAhead(
            from: position, to: min(position + ahead, size), of: file, size: size, limit: limit))
      }
    }

    /// Forgets a piece that could not be fetched.
    func remove(_ extent: Extent, of file: Int) {
      state.withLock { $0.remove(extent, of: file) }
    }
  }

  extension ExtentCache.State {
    mutating func insert(_ extent: Extent, of file: Int, isRead: Bool) {
      clock += 1
      let entries = files[file] ?? []
      let place = entries.firstIndex { $0.extent.range.lowerBound > extent.range.lowerBound }
      files[file, default: []].insert(
        ExtentCache.Entry(extent: extent, lastUse: clock, isRead: isRead),
        at: place ?? entries.count)
      bytes += extent.range.count
    }

    mutating func remove(_ extent: Extent, of file: Int) {
      guard let place = files[file]?.firstIndex(where: { $0.extent === extent }) else { return }
      files[file]?.remove(at: place)
      bytes -= extent.range.count
    }

    /// The piece that holds a byte, and whether the one before it is there, too.
    mutating func found(_ position: Int, of file: Int) -> (Extent, Bool)? {
      guard let entries = files[file],
        let place = entries.firstIndex(where: { $0.extent.range.contains(position) })
      else { return nil }
      clock += 1
      files[file]?[place].lastUse = clock
      files[file]?[place].isRead = true
      let extent = entries[place].extent
      let isSequential =
        place > 0 && entries[place - 1].extent.range.upperBound == extent.range.lowerBound
      return (extent, isSequential && extent.range.count >= ExtentCache.leastAhead)
    }

    /// A new piece: twice as large as the one before it, if the file is read on.
    mutating func made(
      _ position: Int, _ count: Int, of file: Int, size: Int
    ) -> (Extent, Bool) {
      let entries = files[file] ?? []
      let before = entries.last { $0.extent.range.upperBound <= position }?.extent.range
      let after = entries.first { $0.extent.range.lowerBound > position }?.extent.range
      let grain = ExtentCache.grain
      let aligned = position / grain * grain
      let start = max(aligned, before?.upperBound ?? 0)
      let isSequential = before.map { start - $0.upperBound <= grain } ?? false
      let wanted = (position - start + count + grain - 1) / grain * grain
      let grown = isSequential ? max(wanted, 2 * (before?.count ?? 0)) : wanted
      let end = min(start + min(grown, ExtentCache.largest), after?.lowerBound ?? size, size)
      let extent = Extent.open(start..<max(end, position + 1))
      insert(extent, of: file, isRead: true)
      return (extent, isSequential && extent.range.count >= ExtentCache.leastAhead)
    }

    /// Makes the pieces that are missing up to a position, as far as there is room.
    mutating func readAhead(
      from position: Int, to end: Int, of file: Int, size: Int, limit: Int
    ) -> [Extent] {
      var made: [Extent] = []
      var next = position
      while next < end {
        let entries = files[file] ?? []
        if let there = entries.first(where: { $0.extent.range.contains(next) }) {
          next = there.extent.range.upperBound
          continue
        }
        let after = entries.first { $0.extent.range.lowerBound > next }?.extent.range.lowerBound
        let stop = min(next + ExtentCache.largest, after ?? size)
        shrink(to: limit - (stop - next), onlyRead: true)
        guard bytes + stop - next <= limit else { break }
        let extent = Extent.pending(next..<stop)
        insert(extent, of: file, isRead: false)
        made.append(extent)
        next = stop
      }
      return made
    }

    /// Lets go of what was used longest ago, until no more than so many bytes are kept.
    mutating func shrink(to limit: Int, onlyRead: Bool = false) {
      while bytes > limit {
        var oldest: (file: Int, place: Int, isRead: Bool, use: Int)?
        for (file, entries) in files {
          for (place, entry) in entries.enumerated()
          where entry.extent.isSettled && (entry.isRead || !onlyRead) && entry.lastUse < clock {
            let key = (file, place, entry.isRead, entry.lastUse)
            guard let best = oldest else {
              oldest = key
              continue
            }
            if entry.isRead != best.isRead ? entry.isRead : entry.lastUse < best.use {
              oldest = key
            }
          }
        }
        guard let oldest, let entry = files[oldest.file]?.remove(at: oldest.place) else { return }
        bytes -= entry.extent.range.count
      }
    }
  }
#endif
