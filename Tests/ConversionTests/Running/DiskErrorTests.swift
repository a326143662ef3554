import Foundation
import Synchronization
import SystemPackage
import Testing
import WeightmillConversion
import WeightmillModels
import WeightmillOutput
import WeightmillTensors
import WeightmillTestSupport

/// A disk that refuses bytes, as Linux tells of it: once, to a descriptor that was open at the time.
private final class FailingDisk: Sendable {
  private let pending: Mutex<[Errno]>
  private let delay: TimeInterval
  let flushes = Atomic<Int>(0)
  let closings = Atomic<Int>(0)

  /// A disk that answers the first flushes with these errors.
  ///
  /// - Parameters:
  ///   - errors: The errors.
  ///   - delay: How many seconds a flush takes that brings one: who asks meanwhile is told of none.
  init(_ errors: [Errno], delay: TimeInterval = 0) {
    pending = Mutex(errors)
    self.delay = delay
  }

  /// What the writer calls; every close gives `closing`.
  func calls(closing: Errno? = nil) -> DiskCalls {
    var calls = DiskCalls()
    calls.flush = { [self] _ in
      flushes.add(1, ordering: .sequentiallyConsistent)
      let error = pending.withLock { $0.isEmpty ? nil : $0.removeFirst() }
      if error != nil { Thread.sleep(forTimeInterval: delay) }
      return error
    }
    let close = calls.close
    calls.close = { [self] descriptor in
      closings.add(1, ordering: .sequentiallyConsistent)
      return close(descriptor) ?? closing
    }
    return calls
  }
}

/// Bytes that the disk did not take are an error, whoever of the writers is told of it.
struct DiskErrorTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func file(_ disk: DiskCalls) throws -> WritableFile {
    try WritableFile(FilePath(folder("x")), shown: "x", disk: disk)
  }

  /// Writes enough for one flush in the background; the file stays small.
  private func fill(_ file: WritableFile) throws {
    let bytes = [UInt8](repeating: 7, count: 1 << 20)
    for _ in 0..<DiskCalls().batchBytes >> 20 { try file.write(bytes, count: bytes.count, at: 0) }
  }

  private func wait(for flushes: Int, _ disk: FailingDisk) {
    for _ in 0..<5000 where disk.flushes.load(ordering: .sequentiallyConsistent) < flushes {
      usleep(1000)
    }
    #expect(disk.flushes.load(ordering: .sequentiallyConsistent) >= flushes)
  }

  @Test func aFlushInTheBackgroundIsWaitedForAndItsErrorKept() throws {
    let disk = FailingDisk([.ioError], delay: 0.3)
    let file = try file(disk.calls())
    try fill(file)
    // It has taken the error, and has not said so yet.
    wait(for: 1, disk)
    let error = expectError(.inputOutput) { try file.close() }
    #expect(error?.file == "x")
    #expect(error?.remedy == "check the disk")
  }

  @Test func afterAnErrorNothingMoreIsWritten() throws {
    let disk = FailingDisk([.ioError])
    let file = try file(disk.calls())
    try fill(file)
    wait(for: 1, disk)
    expectError(.inputOutput) {
      // The thread that flushes has yet to keep what it was told.
      for _ in 0..<5000 {
        try file.write([1], count: 1, at: 0)
        usleep(1000)
      }
    }
    expectError(.inputOutput) { try file.close() }
  }

  @Test func bytesAreOnTheDiskAfterAFlushThatBeganLater() throws {
    let (hasBegun, mayEnd) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    var calls = DiskCalls()
    calls.pause = .zero
    calls.flush = { _ in
      hasBegun.signal()
      mayEnd.wait()
      return nil
    }
    let file = try file(calls)
    try file.write([1], count: 1, at: 0)
    let before = file.flushesBegun
    file.flushSoon()
    hasBegun.wait()
    try file.write([2], count: 1, at: 1)
    let during = file.flushesBegun
    #expect(!file.isFlushed(since: before))
    mayEnd.signal()
    for _ in 0..<5000 where !file.isFlushed(since: before) { usleep(1000) }
    #expect(file.isFlushed(since: before))
    // It may have come too late for what was written meanwhile.
    #expect(!file.isFlushed(since: during))
    mayEnd.signal()
    try file.flush()
    #expect(file.isFlushed(since: during))
    mayEnd.signal()
    try file.close()
  }

  @Test func theFirstFlushIsAtOnceAndTheNextAfterAPause() throws {
    let disk = FailingDisk([])
    var calls = disk.calls()
    calls.pause = .seconds(3600)
    let file = try file(calls)
    try file.write([1], count: 1, at: 0)
    let before = file.flushesBegun
    file.flushSoon()
    for _ in 0..<5000 where !file.isFlushed(since: before) { usleep(1000) }
    #expect(file.isFlushed(since: before))
    let after = file.flushesBegun
    for _ in 0..<20 {
      file.flushSoon()
      usleep(1000)
    }
    #expect(!file.isFlushed(since: after))
    try file.close()
  }

  @Test func afterAnErrorNothingMoreIsFlushed() throws {
    let disk = FailingDisk([.ioError])
    let file = try file(disk.calls())
    try file.write([1], count: 1, at: 0)
    let before = file.flushesBegun
    for _ in 0..<2 {
      // The disk would tell of no error the second time.
      expectError(.inputOutput) { try file.flush() }
      #expect(!file.isFlushed(since: before))
    }
    #expect(disk.flushes.load(ordering: .sequentiallyConsistent) == 1)
  }

  @Test func theErrorStays() throws {
    let disk = FailingDisk([.noSpace])
    let file = try file(disk.calls())
    for _ in 0..<2 {
      let error = expectError(.inputOutput) { try file.close() }
      #expect(error?.remedy == "free some space")
    }
    #expect(disk.flushes.load(ordering: .sequentiallyConsistent) == 1)
    #expect(disk.closings.load(ordering: .sequentiallyConsistent) == 1)
  }

  @Test func anErrorOfClosingIsOne() throws {
    let file = try file(FailingDisk([]).calls(closing: .diskQuotaExceeded))
    try file.write([1], count: 1, at: 0)
    expectError(.inputOutput) { try file.close() }
  }

  @Test func nothingIsWrittenToAFileThatIsClosed() throws {
    let file = try file(DiskCalls())
    try file.close()
    // Takes the number of its descriptor.
    let other = try WritableFile(FilePath(folder("y")), shown: "y")
    expectError(.inputOutput) { try file.write([1], count: 1, at: 0) }
    try other.close()
    #expect(try Fixtures.bytes(folder("y")).isEmpty)
  }

  /// What lies in memory behind the bytes was written, too.
  @Test func onlyBytesThatAreThereAreWritten() async {
    await #expect(processExitsWith: .failure) {
      let folder = try TemporaryFolder()
      let file = try WritableFile(FilePath(folder("x")), shown: "x")
      try file.write([UInt8](repeating: 1, count: 8), count: 9, at: 0)
    }
  }

  @Test(arguments: [true, false]) func aFileGetsNoName(atClosing: Bool) throws {
    let disk = FailingDisk(atClosing ? [] : [.ioError])
    for overwrite in [false, true] {
      try? FileManager.default.removeItem(atPath: folder("x"))
      if overwrite { try folder.write([9], to: "x") }
      expectError(.inputOutput) {
        let output = try OutputFile(
          folder("x"), overwrite: overwrite, inputs: [],
          disk: disk.calls(closing: atClosing ? .ioError : nil))
        try output.begin(nil, byteCount: 1).write([1], count: 1, at: 0)
        try output.commit(Cancellation())
      }
      #expect(try folder.names() == (overwrite ? ["x"] : []))
      if overwrite { #expect(try Fixtures.bytes(folder("x")) == [9]) }
      guard atClosing else { return }
    }
  }

  /// What a run can write.
  enum Kind: CaseIterable {
    case file, split, newFolder, filledFolder
  }

  private func plan(_ kind: Kind) throws -> ConversionPlan {
    let model = try ModelLoader.load(Fixtures.miniZiya("base-hf"))
    switch kind {
    case .file: return try ConversionPlan(convert: model, to: .q8_0, name: "x")
    case .split:
      var plan = try ConversionPlan(convert: model, to: .q8_0, name: "x")
      try plan.split(.count(3), path: folder("x"))
      return plan
    case .newFolder, .filledFolder:
      return try ConversionPlan(huggingFace: model, maximumShardSize: 2_000_000)
    }
  }

  @Test(arguments: Kind.allCases, [0, 1, 2])
  func aRunLeavesNothing(kind: Kind, failing: Int) throws {
    let plan = try plan(kind)
    // One file is flushed once; of several, the one that fails may be any.
    let isOne = kind == .file
    let before = kind == .filledFolder ? ["x"] : []
    if kind == .filledFolder {
      try FileManager.default.createDirectory(
        atPath: folder("x"), withIntermediateDirectories: false)
    }
    let name = kind == .split ? "x.gguf" : "x"
    for resumes in [false, true] {
      var options = RunOptions()
      options.resumes = resumes
      // Each file is flushed, and told of its own errors only.
      let disk = FailingDisk(isOne ? [.ioError] : [])
      var calls = disk.calls()
      if !isOne {
        calls.flush = { _ in
          disk.flushes.add(1, ordering: .sequentiallyConsistent).oldValue == failing
            ? .ioError : nil
        }
      }
      options.disk = calls
      let path = folder(name)
      expectError(.inputOutput) {
        _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(to: path, options)
      }
      #expect(try folder.names() == before)
      if kind == .filledFolder {
        #expect(try FileManager.default.contentsOfDirectory(atPath: path).isEmpty)
      }
    }
    _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(to: folder(name), RunOptions())
  }

  @Test(arguments: Kind.allCases) func everyFileIsFlushedAtItsEndAndClosedOnce(kind: Kind) throws {
    let disk = FailingDisk([])
    var options = RunOptions()
    options.disk = disk.calls()
    // At most once while it is written.
    options.disk.pause = .seconds(3600)
    options.overwrites = true
    let path = folder("y/x")
    try FileManager.default.createDirectory(
      atPath: kind == .filledFolder ? path : folder("y"), withIntermediateDirectories: true)
    _ = try ConversionRun(plan(kind), workers: Workers(threads: 2)).write(to: path, options)
    let isFolder = kind == .newFolder || kind == .filledFolder
    let count = try FileManager.default.contentsOfDirectory(
      atPath: isFolder ? path : folder("y")
    ).count
    #expect(count >= (kind == .file ? 1 : 3))
    #expect((count...2 * count).contains(disk.flushes.load(ordering: .sequentiallyConsistent)))
    #expect(disk.closings.load(ordering: .sequentiallyConsistent) == count)
  }

  // MARK: What the journal says

  /// Copies what a run has left so far, the hidden file with this ending.
  private static func copy(_ ending: String, from folder: String, to other: String) throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    let name = try #require(names.first { $0.hasPrefix(".") && $0.hasSuffix(ending) })
    try? FileManager.default.removeItem(atPath: "\(other)/\(name)")
    try FileManager.default.copyItem(atPath: "\(folder)/\(name)", toPath: "\(other)/\(name)")
  }

  /// kill -9 when the disk has refused a flush, and memory has forgotten what the disk did not take: every
  /// tensor of the journal is there.
  @Test(arguments: [0, 1, 5]) func whatTheJournalSaysIsOnTheDisk(taken: Int) throws {
    let plan = try plan(.file)
    let killed = try TemporaryFolder()
    let (path, copies) = (folder.path, killed.path)
    let failure = Mutex<(any Error)?>(nil)
    let flushes = Atomic<Int>(0)
    var options = RunOptions()
    options.disk.batchBytes = 1 << 19
    options.disk.pause = .zero
    options.disk.flush = { _ in
      let number = flushes.add(1, ordering: .sequentiallyConsistent).newValue
      do {
        try Self.copy(
          number <= taken ? ".partial" : ".journal", from: path, to: copies)
      } catch {
        failure.withLock { $0 = error }
      }
      return number <= taken ? nil : .ioError
    }
    expectError(.inputOutput) {
      // Slow enough for some flushes.
      _ = try ConversionRun(plan, workers: Workers(threads: 1), progress: { _ in usleep(5000) })
        .write(to: folder("x"), options)
    }
    #expect(failure.withLock { $0 } == nil)
    #expect(try folder.names().isEmpty)
    options = RunOptions()
    options.resumes = true
    let run = ConversionRun(plan, workers: Workers(threads: 2))
    let report = try run.write(to: killed("x"), options)
    #expect(report.redone.isEmpty)
    #expect(taken == 0 ? report.resumed == 0 : taken < 5 || report.resumed > 0)
    _ = try run.write(to: folder("x"), RunOptions())
    #expect(try Fixtures.bytes(killed("x")) == Fixtures.bytes(folder("x")))
  }

  /// A tensor that is made anew has the digest that the journal has of it long before it is on the disk.
  @Test func whatIsMadeAnewIsNotTakenForWhatWasThere() throws {
    let plan = try plan(.file)
    var options = RunOptions()
    options.resumes = true
    let cancellation = Cancellation()
    expectError(.interrupted) {
      _ = try ConversionRun(
        plan, workers: Workers(threads: 2), cancellation: cancellation,
        progress: { if 2 * $0.done > $0.total { cancellation.cancel() } }
      ).write(to: folder("x"), options)
    }
    let partial = try #require(try folder.names().first { $0.hasSuffix(".partial") })
    try folder.write([UInt8](), to: partial)
    // Memory still has what the disk refuses.
    let killed = try TemporaryFolder()
    let (path, copies) = (folder.path, killed.path)
    let failure = Mutex<(any Error)?>(nil)
    options.disk.pause = .zero
    options.disk.flush = { _ in
      do {
        for ending in [".partial", ".journal"] { try Self.copy(ending, from: path, to: copies) }
      } catch {
        failure.withLock { $0 = error }
      }
      return .ioError
    }
    expectError(.inputOutput) {
      _ = try ConversionRun(plan, workers: Workers(threads: 1)).write(to: folder("x"), options)
    }
    #expect(failure.withLock { $0 } == nil)
    options.disk = DiskCalls()
    let report = try ConversionRun(plan, workers: Workers(threads: 2)).write(
      to: killed("x"), options)
    #expect(report.resumed == 0)
    #expect(!report.redone.isEmpty)
  }

  /// One place opens files to write them, and keeps the errors of the disk; the others are the journal, whose
  /// lines count for nothing when they are lost, the file without a name, which nobody opens again, and what changes a
  /// range of a file behind a backup, and keeps that when the disk refuses.
  @Test func nothingElseWritesFiles() throws {
    let sources = Fixtures.package + "/Sources"
    let names = try #require(FileManager.default.enumerator(atPath: sources))
    var writers: [String] = []
    for case let name as String in names where name.hasSuffix(".swift") {
      let text = String(decoding: try Fixtures.bytes("\(sources)/\(name)"), as: UTF8.self)
      let calls = [
        ".readWrite", ".writeOnly", "FileHandle(", "FileHandle.", "createFile(", ".write(to: URL",
        "toFile:",
        "fopen(", "O_WRONLY", "O_RDWR",
      ]
      if calls.contains(where: text.contains) {
        writers.append(name.split(separator: "/").last.map(String.init) ?? name)
      }
    }
    #expect(
      writers.sorted() == [
        "Journal.swift", "RangeReplacement.swift", "ScratchFile.swift", "WritableFile.swift",
      ])
  }
}
