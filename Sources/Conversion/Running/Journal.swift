internal import Synchronization
internal import SystemPackage
import WeightmillOutput
import WeightmillQuantization
import WeightmillStrictJSON
import WeightmillTensors

/// The tensors that a run has finished, on the disk beside its temporary file: after kill -9
/// another run goes on.
///
/// The file is named `.NAME.ID.journal`. Its first line is the run's description, each other one a
/// tensor whose bytes are all on the disk, with their digest. A last line that was cut off counts for
/// nothing. The process that writes it holds a lock on it, which ends with the process.
final class Journal: Sendable {
  /// The largest journal that is read, in bytes: one of a model of 10,000 tensors takes 3 MB.
  private static let maximumBytes = 1 << 28

  /// The temporary names that belong to it.
  let run: TemporaryNames
  /// The tensors that an earlier run had finished, by name.
  let finished: [String: JournalEntry]
  private let path: FilePath
  private let shown: String
  private let descriptor: FileDescriptor
  private let keeps = Atomic<Bool>(false)
  private let writing = Mutex<Void>(())

  /// Begins a journal.
  ///
  /// - Parameters:
  ///   - output: The output.
  ///   - description: What the run does.
  /// - Throws: `cannotWrite`, `inputOutput`.
  init(for output: String, _ description: RunDescription) throws(WeightmillError) {
    shown = output
    run = TemporaryNames()
    finished = [:]
    path = run.journal(of: FilePath(output))
    do {
      descriptor = try FileDescriptor.open(
        path, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec, .noFollow],
        permissions: [.ownerReadWrite, .groupReadWrite, .otherReadWrite])
    } catch { throw .creating(output, error) }
    // A file system without locks: two runs that both resume are then not kept apart.
    _ = descriptor.lock()
    try append(description.json)
  }

  /// Continues the journal of an interrupted run.
  ///
  /// - Parameters:
  ///   - output: The output.
  ///   - description: What this run does.
  /// - Returns: The journal, or `nil` when there is none.
  /// - Throws: `mismatch` when the only ones are of other inputs or options; `cannotWrite` when the
  ///   run is still at work.
  static func resume(
    _ output: String, _ description: RunDescription
  ) throws(WeightmillError) -> Journal? {
    var refusal: WeightmillError?
    for leftover in all(of: output) {
      guard let opened = Opened(leftover.path) else { continue }
      guard opened.isLocked else {
        refusal = WeightmillError(
          .cannotWrite, output, "is being written by another run", remedy: "wait for it to end")
        continue
      }
      guard let earlier = opened.description else { continue }
      if let difference = description.difference(from: earlier) {
        refusal = WeightmillError(
          .mismatch, output, "was begun with other inputs or options", at: difference,
          remedy: "begin anew without --resume; remove \(leftover.path.string) and its .partial")
        continue
      }
      return Journal(opened, leftover.run, shown: output)
    }
    if let refusal { throw refusal }
    return nil
  }

  private init(_ opened: Opened, _ run: TemporaryNames, shown: String) {
    self.run = run
    self.shown = shown
    path = opened.path
    descriptor = opened.take()
    finished = Dictionary(
      opened.entries.map { ($0.tensor, $0) }, uniquingKeysWith: { _, last in last })
  }

  deinit {
    // The name goes first: a lock that is gone says that nobody is at work.
    if !keeps.load(ordering: .acquiring) { path.remove() }
    try? descriptor.close()
  }

  /// Leaves the journal where it is, for a run that resumes.
  func keep() { keeps.store(true, ordering: .releasing) }

  /// How many bytes the temporary files of an interrupted run take on the disk.
  func bytesOnDisk(of target: OutputTarget) -> Int {
    let partial = run.partial(of: FilePath(target.path))
    let folder = FilePath(target.path).removingLastComponent()
    let paths =
      [partial]
      + target.files.compactMap(\.name).flatMap { name in
        [partial.appending(name), run.partial(of: folder.appending(name))]
      }
    return Set(paths).reduce(0) { sum, path in
      sum + ((try? path.stat()).map { Int(clamping: $0.sizeAllocated) } ?? 0)
    }
  }

  /// Writes down that a tensor is on the disk, flushed by the descriptor that wrote it.
  func record(_ entry: JournalEntry) throws(WeightmillError) { try append(entry.json) }

  private func append(_ line: JSONValue) throws(WeightmillError) {
    let bytes = Array((line.description + "\n").utf8)
    try writing.withLock { (_) throws(WeightmillError) in
      do { _ = try unsafe bytes.withUnsafeBytes { try unsafe descriptor.writeAll($0) } } catch {
        throw .writing(shown, error)
      }
    }
  }
}

/// Finding and opening journals that are there.
extension Journal {
  /// The temporary files' names of runs to an output that left a journal, oldest name first.
  private static func all(of output: String) -> [(path: FilePath, run: TemporaryNames)] {
    let target = FilePath(output)
    let folder = target.folder
    guard let names = try? Folder(folder.string).names else { return [] }
    return names.sorted().compactMap { name in
      TemporaryNames.id(journal: name, of: target).map {
        (target.removingLastComponent().appending(name), TemporaryNames(resuming: $0))
      }
    }
  }

  /// The files that interrupted runs to an output have left, if nobody is at work on it.
  ///
  /// - Parameter output: The output.
  /// - Returns: The paths of journals.
  static func leftovers(of output: String) -> [String] {
    all(of: output).compactMap { leftover in
      Opened(leftover.path)?.isLocked == true ? leftover.path.string : nil
    }
  }

  /// A journal that was opened to see what it holds.
  private final class Opened {
    let path: FilePath
    let isLocked: Bool
    let description: RunDescription?
    let entries: [JournalEntry]
    private let descriptor: FileDescriptor
    private var isTaken = false

    init?(_ path: FilePath) {
      guard
        let descriptor = try? FileDescriptor.open(
          path, .readWrite, options: [.closeOnExec, .noFollow, .nonBlocking])
      else { return nil }
      self.path = path
      self.descriptor = descriptor
      isLocked = descriptor.lock()
      guard isLocked, let file = try? InputFile(path.string), file.byteCount <= maximumBytes,
        let bytes = try? file.bytes(at: 0, count: file.byteCount)
      else {
        (description, entries) = (nil, [])
        return
      }
      let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      // What follows the last line's end was cut off: it is overwritten.
      let whole = lines.dropLast()
      let values = whole.map { try? JSONParser.parse(Array($0), file: path.string) }
      description = values.first.flatMap(\.self).flatMap(RunDescription.init)
      entries = values.dropFirst().compactMap { $0.flatMap(JournalEntry.init) }
      _ = try? descriptor.seek(offset: Int64(bytes.count - (lines.last?.count ?? 0)), from: .start)
    }

    /// Hands over the open file.
    func take() -> FileDescriptor {
      isTaken = true
      return descriptor
    }

    deinit { if !isTaken { try? descriptor.close() } }
  }
}

/// A tensor that an interrupted run had written whole and flushed.
struct JournalEntry: Equatable, Sendable {
  /// The tensor's name in the output.
  let tensor: String
  /// The SHA-256 of its bytes as they were written.
  let sha256: String
  /// The values of it that are not what they were.
  let faults: ValueFaults
}

extension JournalEntry {
  /// Reads a line of a journal; `nil` for one that was not written to its end.
  init?(_ json: JSONValue) {
    guard let object = json.object, let tensor = object["tensor"]?.string,
      let sha256 = object["sha256"]?.string,
      let counts = object["faults"]?.array?.compactMap(\.integer), counts.count == 4,
      counts.allSatisfy({ $0 >= 0 })
    else { return nil }
    self.init(
      tensor: tensor, sha256: sha256,
      faults: ValueFaults(
        nonFinite: counts[0], overflowed: counts[1],
        drowned: DrownedValues(count: counts[2], weight: counts[3])))
  }

  /// The line of a journal.
  var json: JSONValue {
    .object(
      JSONObject(members: [
        .init(name: "tensor", value: .string(tensor)),
        .init(name: "sha256", value: .string(sha256)),
        .init(
          name: "faults",
          value: .array(
            [faults.nonFinite, faults.overflowed, faults.drowned.count, faults.drowned.weight].map {
              .number("\($0)")
            })),
      ]))
  }
}
