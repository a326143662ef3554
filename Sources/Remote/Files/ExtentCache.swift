#if Remote
  import Synchronization

  /// The pieces of files that are kept in memory, and what is read ahead.
  ///
  /// A file that is read here and there comes in small pieces; if reads are equally far apart, as those of
  /// single rows are, the next ones are asked for ahead. One that is read from one end to the other
  /// comes in pieces that grow to 4 MiB, several of them ahead of the reader.
  final class ExtentCache: Sendable {
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
        state.insert(.ready(position..<position + bytes.count, bytes), of: file)
        state.shrink(to: limit, .any)
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
        let extent =
          state.found(position, of: file) ?? state.made(position, count, of: file, size: size)
        let isReadOn = state.read(position, count, in: extent, of: file)
        defer { state.shrink(to: limit, .any) }
        guard isReadOn else {
          return Found(
            extent: extent,
            ahead: state.stepAhead(from: position, count, of: file, size: size, limit: limit))
        }
        guard extent.range.count >= Self.leastAhead else { return Found(extent: extent, ahead: []) }
        let end = min(position + ahead, size)
        return Found(
          extent: extent,
          ahead: state.readAhead(from: position, to: end, of: file, size: size, limit: limit))
      }
    }

    /// Forgets a piece that could not be fetched.
    func remove(_ extent: Extent, of file: Int) {
      state.withLock { $0.remove(extent, of: file) }
    }
  }

  extension ExtentCache {
    fileprivate struct Entry {
      let extent: Extent
      var lastUse: Int
      /// How many of its bytes have been read.
      var readBytes = 0
    }

    fileprivate struct State {
      /// The pieces of each file, by their position; none of them overlap.
      var files: [Int: [Entry]] = [:]
      /// Where reads of each file have ended, the last ones.
      var ends: [Int: [Int]] = [:]
      var bytes = 0
      var clock = 0

      /// The last read here or there of each file, how far it was from the one before, and how often so.
      var steps: [Int: (position: Int, step: Int, count: Int)] = [:]

      /// The most places at which a file is read on at the same time.
      static let mostEnds = 16
      /// How many equal steps are looked ahead.
      static let mostSteps = 6
    }

    /// What may be let go of.
    fileprivate enum Leaving {
      /// What has been read to its end.
      case read
      /// Whatever nobody waits for; first what has been read, last what was read ahead.
      case any
    }
  }

  extension ExtentCache.State {
    mutating func insert(_ extent: Extent, of file: Int) {
      clock += 1
      let entries = files[file] ?? []
      let place = entries.firstIndex { $0.extent.range.lowerBound > extent.range.lowerBound }
      files[file, default: []].insert(
        ExtentCache.Entry(extent: extent, lastUse: clock), at: place ?? entries.count)
      bytes += extent.range.count
    }

    mutating func remove(_ extent: Extent, of file: Int) {
      guard let place = files[file]?.firstIndex(where: { $0.extent === extent }) else { return }
      files[file]?.remove(at: place)
      bytes -= extent.range.count
    }

    /// The piece that holds a byte.
    func found(_ position: Int, of file: Int) -> Extent? {
      files[file]?.first { $0.extent.range.contains(position) }?.extent
    }

    /// A new piece: larger than what is wanted, if the file is read on.
    mutating func made(_ position: Int, _ count: Int, of file: Int, size: Int) -> Extent {
      let entries = files[file] ?? []
      let before = entries.last { $0.extent.range.upperBound <= position }?.extent.range
      let after = entries.first { $0.extent.range.lowerBound > position }?.extent.range
      let grain = ExtentCache.grain
      let start = max(position / grain * grain, before?.upperBound ?? 0)
      let wanted = (position - start + count + grain - 1) / grain * grain
      let isReadOn = endsBefore(position, of: file) != nil
      let grown = isReadOn ? max(2 * wanted, 2 * (before?.count ?? 0)) : wanted
      let end = min(start + min(grown, ExtentCache.largest), after?.lowerBound ?? size, size)
      let extent = Extent.open(start..<max(end, position + 1))
      insert(extent, of: file)
      return extent
    }

    /// Notes a read.
    ///
    /// - Returns: Whether it goes on where another one ended.
    mutating func read(_ position: Int, _ count: Int, in extent: Extent, of file: Int) -> Bool {
      clock += 1
      let end = min(position + count, extent.range.upperBound)
      if let place = files[file]?.firstIndex(where: { $0.extent === extent }) {
        files[file]?[place].lastUse = clock
        files[file]?[place].readBytes += end - position
      }
      let place = endsBefore(position, of: file)
      if let place { ends[file]?.remove(at: place) }
      ends[file, default: []].append(end)
      if (ends[file]?.count ?? 0) > Self.mostEnds { ends[file]?.removeFirst() }
      return place != nil
    }

    private func endsBefore(_ position: Int, of file: Int) -> Int? {
      ends[file]?.lastIndex { (position - ExtentCache.grain...position).contains($0) }
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
        shrink(to: limit - (stop - next), .read)
        guard bytes + stop - next <= limit else { break }
        let extent = Extent.pending(next..<stop)
        insert(extent, of: file)
        made.append(extent)
        next = stop
      }
      return made
    }

    /// Makes the pieces in which the next reads will be, if they have been equally far apart.
    mutating func stepAhead(
      from position: Int, _ count: Int, of file: Int, size: Int, limit: Int
    ) -> [Extent] {
      let before = steps[file]
      let step = position - (before?.position ?? position)
      let equal = before?.step == step ? (before?.count ?? 0) + 1 : 0
      steps[file] = (position, step, equal)
      let grain = ExtentCache.grain
      guard equal >= 2, step > 2 * grain, count <= grain else { return [] }
      var made: [Extent] = []
      for number in 1...Self.mostSteps {
        let next = position + number * step
        guard next + count <= size else { break }
        let start = next / grain * grain
        let end = min((next + count + grain - 1) / grain * grain, size)
        let overlaps = files[file]?.contains { $0.extent.range.overlaps(start..<end) } ?? false
        guard !overlaps else { continue }
        shrink(to: limit - (end - start), .read)
        guard bytes + end - start <= limit else { break }
        let extent = Extent.pending(start..<end)
        insert(extent, of: file)
        made.append(extent)
      }
      return made
    }

    /// Lets go of pieces until no more than so many bytes are kept: what was used longest ago goes first.
    mutating func shrink(to limit: Int, _ leaving: ExtentCache.Leaving) {
      while bytes > limit {
        var best: (file: Int, place: Int, rank: Int, use: Int)?
        for (file, entries) in files {
          for (place, entry) in entries.enumerated() where entry.extent.isSettled {
            let rank = entry.isRead ? 0 : entry.readBytes > 0 ? 1 : 2
            guard rank == 0 || leaving == .any, entry.lastUse < clock else { continue }
            if best.map({ (rank, entry.lastUse) < ($0.rank, $0.use) }) ?? true {
              best = (file, place, rank, entry.lastUse)
            }
          }
        }
        guard let best, let entry = files[best.file]?.remove(at: best.place) else { return }
        bytes -= entry.extent.range.count
      }
    }
  }

  extension ExtentCache.Entry {
    /// Whether it has been read to its end, as far as can be told.
    fileprivate var isRead: Bool { readBytes >= extent.range.count }
  }
#endif
