internal import Synchronization
internal import WeightmillDigests
import WeightmillOutput
import WeightmillQuantization
import WeightmillTensors

/// A tensor that is written whole: the journal has it once its bytes are on the disk.
private struct WaitingTensor {
  let entry: JournalEntry
  let file: WritableFile
  /// How many of the file's flushes had begun by then: a later one has its bytes.
  let flushes: Int

  var isFlushed: Bool { file.isFlushed(since: flushes) }
}

/// An execution of a plan: its files, its threads, what it has done so far.
final class ConversionJob: Sendable {
  private let plan: ConversionPlan
  private let target: OutputTarget
  private let grid: TileGrid
  private let converters: [TileConverter]
  private let output: any PendingOutput
  private let journal: Journal
  private let sources: SourceDigests
  private let allowance: Allowance
  private let cancellation: Cancellation
  private let progress: @Sendable (ConversionProgress) -> Void
  private let done = Atomic<Int>(0)
  private let faults: Mutex<[ValueFaults]>
  private let begun = Mutex<[WritableFile]>([])
  /// The tensors that are written whole, but are not known to be on the disk yet.
  private let waiting = Mutex<[WaitingTensor]>([])
  /// The tensors of an interrupted run that were not as its journal says, and were done again.
  private let redone = Mutex<[String]>([])

  /// Checks the output, opens the journal, and makes the temporary files.
  ///
  /// - Parameters:
  ///   - plan: What is done.
  ///   - target: What is written.
  ///   - options: How.
  ///   - workers: The threads.
  ///   - cancellation: A way to stop it.
  ///   - progress: Called when a tile is written.
  /// - Throws: As `ConversionRun.write(to:_:judging:)`.
  init(
    _ plan: ConversionPlan, _ target: OutputTarget, _ options: RunOptions, workers: Workers,
    cancellation: Cancellation, progress: @escaping @Sendable (ConversionProgress) -> Void
  ) throws(WeightmillError) {
    try target.check()
    self.plan = plan
    self.target = target
    self.cancellation = cancellation
    self.progress = progress
    // Half of the memory for rows, a quarter for bytes that wait to be hashed on either side.
    grid = try TileGrid(
      plan, workers: workers, memory: options.memory / 2, path: target.path)
    allowance = Allowance(options.memory / 4)
    var converters: [TileConverter] = []
    for item in plan.items {
      converters.append(
        try TileConverter(
          item, from: plan.source, method: plan.method, refusingOverflow: plan.refusesOverflow,
          path: target.path))
    }
    self.converters = converters
    faults = Mutex([ValueFaults](repeating: ValueFaults(), count: plan.items.count))
    sources = try SourceDigests(
      plan.sources, hashing: target.hasMetadata ? plan.hashing : .none,
      location: plan.source.location, allowance: Allowance(options.memory / 4))
    let description = try RunDescription(plan, files: target.files, isStrict: options.isStrict)
    let earlier = options.resumes ? try Journal.resume(target.path, description) : nil
    try target.checkSpace(present: earlier?.bytesOnDisk(of: target) ?? 0)
    if let earlier {
      journal = earlier
    } else {
      journal = try Journal(for: target.path, description)
    }
    output = try target.open(journal.run)
  }

  /// Leaves what is written for a run that resumes, if the disk has taken all of it.
  func keep() {
    for file in begun.withLock({ $0 }) {
      guard (try? file.flush()) != nil else { return }
    }
    // What the journal does not have is made anew.
    try? recordFlushed()
    output.keep()
    journal.keep()
  }

  /// The report on what was done.
  var report: ConversionReport {
    let found = faults.withLock { $0 }
    let redone = redone.withLock { $0 }
    return ConversionReport(
      byteCount: target.byteCount,
      resumed: journal.run.isResumed ? journal.finished.count - redone.count : 0, redone: redone,
      faults: zip(plan.items, found).compactMap { item, found in
        ConversionReport.Fault(item.tensor, found, isMerged: plan.isMerged)
      },
      gridNotes: GridNotes(zip(plan.items, found).map { ($0.tensor, $1.grids) }).notes)
  }

  /// Writes all files, one after the other.
  func writeFiles() throws(WeightmillError) {
    sources.start()
    defer { sources.stop() }
    for layout in target.files {
      let file = try begin(layout)
      let finished = try verified(layout, in: file)
      let tiles = grid.tiles(layout, of: plan, without: finished)
      try write(tiles, layout.tensors, to: file) { converters[$0] }
    }
  }

  /// Writes one tensor after the other, each with its guide.
  ///
  /// - Parameters:
  ///   - order: The items that come first; the others follow in the plan's order.
  ///   - guide: What is known of an item, with the tensors that are written by then; `nil` is the plan's
  ///     importance.
  /// - Throws: As `ConversionRun.write(to:_:judging:)`; what `guide` throws.
  func writeTensors(
    _ order: [Int], guidedBy guide: (Int, WrittenTensors) throws(WeightmillError) -> TensorGuide?
  ) throws(WeightmillError) {
    sources.start()
    defer { sources.stop() }
    var open: [Int: (file: WritableFile, position: Int)] = [:]
    var written = WrittenTensors(plan.items)
    for layout in target.files {
      let file = try begin(layout)
      let finished = try verified(layout, in: file)
      for (item, position) in layout.tensors {
        if finished.contains(item) {
          written.add(item, in: file, at: position)
        } else {
          open[item] = (file, position)
        }
      }
    }
    for item in order + Array(plan.items.indices) {
      guard let (file, position) = open.removeValue(forKey: item) else { continue }
      let converter =
        switch try guide(item, written) {
        case .inputs(let guide):
          try TileConverter(
            plan.items[item], from: plan.source, method: plan.method, guide: guide,
            path: target.path)
        case .rows(let bytes): converters[item].writing(bytes)
        case nil: converters[item]
        }
      try write(grid.tiles(item, at: position), [(item, position)], to: file) { _ in converter }
      written.add(item, in: file, at: position)
      // The next guide may take minutes, in which no tile is written.
      try file.flush()
      try recordFlushed()
    }
  }

  /// Creates a file, or opens what an interrupted run has of it, and writes its header.
  private func begin(_ layout: OutputLayout.File) throws(WeightmillError) -> WritableFile {
    let file = try output.begin(layout.name, byteCount: layout.byteCount)
    begun.withLock { $0.append(file) }
    try file.write(layout.header, count: layout.header.count, at: 0)
    advance(layout.header.count)
    return file
  }

  /// Hashes what is left of the sources, has it judged, completes the headers and gives the names.
  func finish(
    judging judge: ([HashedSource]) throws(WeightmillError) -> Void
  ) throws(WeightmillError) {
    let hashes = try sources.finish(workers: grid.workers, cancellation: cancellation)
    try judge(hashes)
    let files = begun.withLock { $0 }
    for (file, header) in zip(files, try target.headers(hashes)) {
      try file.write(header, count: header.count, at: 0)
    }
    try output.commit(cancellation)
  }

  private func advance(_ count: Int) {
    let sum = done.wrappingAdd(count, ordering: .relaxed).newValue
    progress(ConversionProgress(done: sum, total: target.byteCount))
  }

  /// Converts tiles of a file on all threads, and writes down each tensor that is on the disk.
  private func write(
    _ tiles: [ConversionTile], _ positions: [(item: Int, position: Int)], to file: WritableFile,
    with converter: @Sendable (Int) -> TileConverter
  ) throws(WeightmillError) {
    let tensors = Dictionary(
      uniqueKeysWithValues: positions.map { item, position in
        (
          item,
          WrittenTensor(
            byteCount: plan.items[item].tensor.byteCount, in: file, at: position,
            allowance: allowance)
        )
      })
    try grid.workers.forEach(tiles.count, until: cancellation, scratch: { TileBuffers() }) {
      (number, buffers: inout TileBuffers) throws(WeightmillError) in
      let tile = tiles[number]
      let found = try converter(tile.item).convert(tile.rows, of: plan.source, with: &buffers)
      let size = tile.rows.count * plan.items[tile.item].tensor.bytesPerRow
      try file.write(buffers.output, count: size, at: tile.position)
      let bytes = unsafe buffers.output.span.bytes.extracting(0..<size)
      if let tensor = tensors[tile.item],
        let digest = try tensor.add(bytes, at: tile.offset, found)
      {
        note(tile.item, digest, tensor.faults, in: file)
      }
      try recordFlushed()
      advance(size)
    }
    try cancellation.check(target.path)
  }

  /// Takes a tensor that is whole.
  private func note(
    _ item: Int, _ digest: String, _ found: ValueFaults, in file: WritableFile
  ) {
    faults.withLock { $0[item] = found }
    let entry = JournalEntry(tensor: plan.items[item].tensor.name, sha256: digest, faults: found)
    let tensor = WaitingTensor(entry: entry, file: file, flushes: file.flushesBegun)
    waiting.withLock { $0.append(tensor) }
  }

  /// Writes down the tensors that are on the disk, and asks for those that are not.
  ///
  /// Bytes that the disk has refused may be read back whole from memory, by the run that resumes, too,
  /// and their digests agree: only the descriptor that wrote them is told. So what the journal says was
  /// flushed by it.
  private func recordFlushed() throws(WeightmillError) {
    let (flushed, files) = waiting.withLock { waiting in
      let first = waiting.partition(by: \.isFlushed)
      let flushed = waiting[first...].map(\.entry)
      waiting.removeSubrange(first...)
      return (flushed, waiting.map(\.file))
    }
    for entry in flushed { try journal.record(entry) }
    for file in files { file.flushSoon() }
  }

  /// The tensors of a file that an interrupted run has written, and whose bytes are as it says.
  private func verified(
    _ layout: OutputLayout.File, in file: WritableFile
  ) throws(WeightmillError) -> Set<Int> {
    let claimed = layout.tensors.compactMap { item, position in
      journal.finished[plan.items[item].tensor.name].map { (item, position, $0) }
    }
    let found = Mutex(Set<Int>())
    try grid.workers.forEach(claimed.count, until: cancellation, scratch: {}) {
      (number, _) throws(WeightmillError) in
      let (item, position, entry) = claimed[number]
      let tensor = plan.items[item].tensor
      var hash = SHA256()
      for start in stride(from: 0, to: tensor.byteCount, by: 1 << 20) {
        let count = min(1 << 20, tensor.byteCount - start)
        let bytes = try file.bytes(at: position + start, count: count)
        hash.update(bytes)
      }
      guard hash.hexadecimal == entry.sha256 else {
        // Made anew it will have this digest, before it is on the disk.
        try journal.record(JournalEntry(tensor: tensor.name, sha256: "", faults: ValueFaults()))
        return redone.withLock { $0.append(tensor.name) }
      }
      found.withLock { _ = $0.insert(item) }
      faults.withLock { $0[item] = entry.faults }
      advance(tensor.byteCount)
    }
    try cancellation.check(target.path)
    return found.withLock { $0 }
  }
}

/// A tensor of the output while its tiles are written: what is left, its digest, its faults.
final class WrittenTensor: Sendable {
  private let byteCount: Int
  private let left: Atomic<Int>
  private let digest: OrderedDigest
  private let found: Mutex<ValueFaults>

  /// Begins a tensor.
  ///
  /// - Parameters:
  ///   - byteCount: Its size.
  ///   - file: The file it is written to.
  ///   - position: Where in the file it begins.
  ///   - allowance: How many bytes may wait for their turn to be hashed.
  init(byteCount: Int, in file: WritableFile, at position: Int, allowance: Allowance) {
    self.byteCount = byteCount
    left = Atomic(byteCount)
    found = Mutex(ValueFaults())
    digest = OrderedDigest(allowance: allowance, isReadable: false) {
      (start, count) throws(WeightmillError) in try file.bytes(at: position + start, count: count)
    }
  }

  /// The faults of the tensor's values.
  var faults: ValueFaults { found.withLock { $0 } }

  /// Takes a tile that has been written.
  ///
  /// - Parameters:
  ///   - bytes: Its bytes.
  ///   - offset: Where in the tensor they begin.
  ///   - faults: What is wrong with its values.
  /// - Returns: The SHA-256 of the whole tensor if this was its last tile.
  /// - Throws: The errors of reading the file.
  func add(
    _ bytes: RawSpan, at offset: Int, _ faults: ValueFaults
  ) throws(WeightmillError) -> String? {
    if faults != ValueFaults() { found.withLock { $0.add(faults) } }
    digest.add(bytes, at: offset)
    guard left.subtract(bytes.byteCount, ordering: .acquiringAndReleasing).newValue == 0 else {
      return nil
    }
    return try digest.finish(byteCount: byteCount)
  }
}
