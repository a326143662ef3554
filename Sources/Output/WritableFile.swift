internal import Dispatch
internal import Synchronization
package import SystemPackage
package import WeightmillTensors

/// A new file that is written at positions, by several threads.
///
/// Bytes that the disk did not take are known only to the descriptor that was open when they were
/// lost, and to that one only once. So the descriptor that writes also flushes, whoever flushes
/// keeps the error, and the file must be closed by `close` before it gets its name.
package final class WritableFile: Sendable {
  /// The file's path as the user would name it, for messages.
  private let shown: String
  private let descriptor: FileDescriptor
  private let disk: DiskCalls
  private let written = Atomic<Int>(0)
  private let isFlushing = Atomic<Bool>(false)
  private let begun = Atomic<Int>(0)
  private let flushed = Atomic<Int>(0)
  /// When the file was flushed last; nil before the first time.
  private let lastFlush = Mutex<ContinuousClock.Instant?>(nil)
  private let isClosed = Atomic<Bool>(false)
  /// The first error of flushing or closing. Held while the disk is asked: who comes second learns what
  /// the first was told.
  private let lost = Mutex<Errno?>(nil)

  /// Creates a file; nothing is overwritten and no link followed.
  ///
  /// - Parameters:
  ///   - path: Where it is created.
  ///   - shown: What the user calls it.
  ///   - isResumed: Whether what an interrupted run has left there is opened. It may be nothing, or of
  ///     any length: which of its bytes are good, digests tell.
  ///   - disk: How the disk is asked.
  /// - Throws: `cannotWrite` with the reason.
  package init(
    _ path: FilePath, shown: String, isResumed: Bool = false, disk: DiskCalls = DiskCalls()
  ) throws(WeightmillError) {
    self.shown = shown
    self.disk = disk
    do {
      descriptor = try FileDescriptor.open(
        path, .readWrite,
        options: [.create, .closeOnExec, .noFollow, isResumed ? .nonBlocking : .exclusiveCreate],
        permissions: [.ownerReadWrite, .groupReadWrite, .otherReadWrite])
    } catch {
      throw .creating(shown, error)
    }
  }

  deinit { if !isClosed.load(ordering: .acquiring) { try? descriptor.close() } }

  /// Reads bytes back.
  ///
  /// - Parameters:
  ///   - position: The first byte.
  ///   - count: How many.
  /// - Returns: The bytes.
  /// - Throws: `inputOutput`.
  package func bytes(at position: Int, count: Int) throws(WeightmillError) -> [UInt8] {
    try descriptor.bytes(at: position, count: count, of: shown)
  }

  /// Makes the file this long; what is not written reads as zeros.
  package func resize(to size: Int) throws(WeightmillError) {
    do { try descriptor.resize(to: Int64(size)) } catch { throw .writing(shown, error) }
  }

  // MARK: Flushing

  /// The number of flushes that have begun: what has been written by now is on the disk when
  /// `isFlushed(since:)` says so of this number.
  package var flushesBegun: Int { begun.load(ordering: .sequentiallyConsistent) }

  /// Whether bytes are on the disk.
  ///
  /// - Parameter flushes: `flushesBegun` when they had been written.
  /// - Returns: Whether a flush that began later has ended, and none before it with an error.
  package func isFlushed(since flushes: Int) -> Bool {
    flushed.load(ordering: .sequentiallyConsistent) > flushes
  }

  /// Asks the disk, while `lost` is locked; after an error never again.
  private func flush(_ error: inout Errno?) {
    guard error == nil else { return }
    let number = begun.add(1, ordering: .sequentiallyConsistent).newValue
    error = disk.flush(descriptor)
    lastFlush.withLock { $0 = .now }
    if error == nil { flushed.store(number, ordering: .sequentiallyConsistent) }
  }

  /// Flushes what has been written; of a file that is closed, all is.
  ///
  /// - Throws: `inputOutput` with the first error that the disk gave for any of the file's bytes.
  package func flush() throws(WeightmillError) {
    let error = lost.withLock { error in
      if !isClosed.load(ordering: .acquiring) { flush(&error) }
      return error
    }
    if let error { throw .writing(shown, error) }
  }

  /// Has a thread of its own flush what has been written, unless that goes on already, or was done a
  /// moment ago.
  ///
  /// The first time it is done at once: of runs that are always killed soon, each has then got further.
  package func flushSoon() {
    if let last = lastFlush.withLock({ $0 }), last.duration(to: .now) < disk.pause { return }
    flushInBackground()
  }

  private func flushInBackground() {
    guard !isFlushing.exchange(true, ordering: .acquiringAndReleasing) else { return }
    // The file stays open until the thread is done: it holds this object.
    DispatchQueue.global(qos: .utility).async { [self] in
      lost.withLock { error in
        if !isClosed.load(ordering: .acquiring) { flush(&error) }
      }
      isFlushing.store(false, ordering: .releasing)
    }
  }

  /// Flushes the file to the disk and closes it; nothing can be written to it any more.
  ///
  /// - Throws: `inputOutput` with the first error that the disk gave for any of its bytes.
  package func close() throws(WeightmillError) {
    let error = lost.withLock { error in
      guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return error }
      flush(&error)
      // Some network file systems say only now that there is no room.
      let closing = disk.close(descriptor)
      error = error ?? closing
      return error
    }
    if let error { throw .writing(shown, error) }
  }

  /// Writes bytes at a position.
  ///
  /// Now and then what has come is flushed by a thread of its own, so that the disk works meanwhile and
  /// less is left to wait for at the end.
  ///
  /// - Parameters:
  ///   - bytes: The bytes, and maybe more behind them.
  ///   - count: How many are written; at most as many as there are.
  ///   - position: Where in the file the first one goes.
  /// - Throws: `inputOutput`, also when the disk has refused earlier bytes, or the file is closed.
  package func write(_ bytes: [UInt8], count: Int, at position: Int) throws(WeightmillError) {
    precondition((0...bytes.count).contains(count), "only bytes that are there are written")
    // Another file may have the number by now.
    guard !isClosed.load(ordering: .acquiring) else {
      throw .writing(shown, Errno.badFileDescriptor)
    }
    // What the disk has refused already will not come back: hours of further work are for nothing.
    if case .some(let error?) = lost.withLockIfAvailable({ $0 }) { throw .writing(shown, error) }
    defer {
      let sum = written.wrappingAdd(count, ordering: .relaxed).newValue
      if sum / disk.batchBytes != (sum - count) / disk.batchBytes { flushInBackground() }
    }
    do {
      try unsafe bytes.withUnsafeBytes { buffer in
        _ = try unsafe descriptor.writeAll(
          toAbsoluteOffset: Int64(position), UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      }
    } catch { throw .writing(shown, error) }
  }
}

/// The calls, and their pace, by which the disk is asked to keep what was written; tests have them fail.
package struct DiskCalls: Sendable {
  /// Flushes a file to the disk.
  package var flush: @Sendable (FileDescriptor) -> Errno? = { $0.flush() }
  /// Closes a file.
  package var close: @Sendable (FileDescriptor) -> Errno? = { descriptor in
    do { try descriptor.close() } catch { return error as? Errno ?? .ioError }
    return nil
  }
  /// After so many bytes a file is flushed while it is written.
  package var batchBytes = 64 << 20
  /// The least time between a file's last flush and one that `flushSoon` asks for.
  package var pause = Duration.milliseconds(100)

  /// The calls of the operating system.
  package init() {}
}

extension WeightmillError {
  /// The error for an output that cannot be created.
  package static func creating(_ path: String, _ error: any Error) -> WeightmillError {
    WeightmillError(
      .cannotWrite, path, "cannot be created: \(error)", remedy: "check the folder's permissions")
  }

  /// The error for an output that cannot be written.
  package static func writing(_ path: String, _ error: any Error) -> WeightmillError {
    WeightmillError(
      .inputOutput, path, "cannot be written: \(error)",
      remedy: (error as? Errno) == .noSpace ? "free some space" : "check the disk")
  }
}
