internal import Dispatch
internal import Synchronization
package import SystemPackage
package import Tensors

/// A new file that is written at positions, by several threads.
package final class WritableFile: Sendable {
  /// What the user calls it, for messages.
  private let shown: String
  private let descriptor: FileDescriptor
  private let written = Atomic<Int>(0)
  /// After so many bytes they are flushed.
  private static let batchBytes = 64 << 20
  private let isFlushing = Atomic<Bool>(false)
  /// The system tells an error of the disk once.
  private let flushError = Mutex<Errno?>(nil)

  /// Creates a file; nothing is overwritten and no link followed.
  ///
  /// - Parameters:
  ///   - path: Where it is created.
  ///   - shown: What the user calls it.
  ///   - isResumed: Whether what an interrupted run has left there is opened. It may be nothing, or of
  ///     any length: which of its bytes are good, digests tell.
  /// - Throws: `cannotWrite` with the reason.
  package init(_ path: FilePath, shown: String, isResumed: Bool = false) throws(WeightmillError) {
    self.shown = shown
    do {
      descriptor = try FileDescriptor.open(
        path, .readWrite,
        options: [.create, .closeOnExec, .noFollow, isResumed ? .nonBlocking : .exclusiveCreate],
        permissions: [.ownerReadWrite, .groupReadWrite, .otherReadWrite])
    } catch {
      throw .creating(shown, error)
    }
  }

  deinit { try? descriptor.close() }

  /// Reads bytes back.
  ///
  /// - Parameters:
  ///   - position: The first byte.
  ///   - count: How many.
  /// - Returns: The bytes.
  /// - Throws: `inputOutput`.
  package func bytes(at position: Int, count: Int) throws(WeightmillError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let got: Int
      do {
        got = try unsafe bytes.withUnsafeMutableBytes { buffer in
          try unsafe descriptor.read(
            fromAbsoluteOffset: Int64(position + done),
            into: UnsafeMutableRawBufferPointer(rebasing: buffer[done...]))
        }
      } catch { throw .writing(shown, error) }
      guard got > 0 else { throw .writing(shown, Errno.ioError) }
      done += got
    }
    return bytes
  }

  /// Makes the file this long; what is not written reads as zeros.
  package func resize(to size: Int) throws(WeightmillError) {
    do { try descriptor.resize(to: Int64(size)) } catch { throw .writing(shown, error) }
  }

  /// Flushes the file to the disk.
  package func flush() throws(WeightmillError) {
    let error = descriptor.flush()
    if let error = flushError.withLock({ $0 }) ?? error { throw .writing(shown, error) }
  }

  private func flushNowAndThen(_ count: Int) {
    let sum = written.wrappingAdd(count, ordering: .relaxed).newValue
    guard sum / Self.batchBytes != (sum - count) / Self.batchBytes,
      !isFlushing.exchange(true, ordering: .acquiringAndReleasing)
    else { return }
    // The file stays open until the thread is done: it holds this object.
    DispatchQueue.global(qos: .utility).async { [self] in
      if let error = descriptor.flush() { flushError.withLock { $0 = $0 ?? error } }
      isFlushing.store(false, ordering: .releasing)
    }
  }

  /// Writes bytes at a position.
  ///
  /// Now and then what has come is flushed by a thread of its own, so that the disk works meanwhile and
  /// less is left to wait for at the end.
  package func write(_ bytes: [UInt8], count: Int, at position: Int) throws(WeightmillError) {
    defer { flushNowAndThen(count) }
    do {
      try unsafe bytes.withUnsafeBytes { buffer in
        _ = try unsafe descriptor.writeAll(
          toAbsoluteOffset: Int64(position), UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      }
    } catch { throw .writing(shown, error) }
  }
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
