internal import SystemPackage
package import WeightmillTensors

/// A range of bytes in a file that exists, replaced so that a crash leaves the old or the new ones.
///
/// Before the first byte is written, the old and the new bytes are on the disk in a backup beside the
/// file. It is removed when the new ones are flushed. Whoever finds it later calls `mend`.
package struct RangeReplacement: Equatable {
  /// What `mend` found and did.
  package enum Mended: Equatable, Sendable {
    /// The range was old, or half old and half new, and is old.
    case undone
    /// The range was new already.
    case wasComplete
  }

  /// A moment at which tests stop the work as a crash would.
  package enum Step: Equatable, Sendable {
    /// The backup has its name, the file is as it was.
    case backedUp
    /// So many bytes of the range are new.
    case wrote(Int)
    /// All are, and on the disk.
    case flushed
  }

  private static let magic = "weightmill backup 1"
  /// The largest range that is replaced.
  private static let maximumBytes = 256 << 20

  /// The size of the file, which does not change.
  let fileSize: Int
  /// Where the range begins.
  let position: Int
  /// What is there.
  let old: [UInt8]
  /// What shall be there: as many bytes.
  let new: [UInt8]

  /// The smallest range in which two states of a part of a file differ; `nil` when they are the same.
  ///
  /// - Parameters:
  ///   - old: The bytes that are there.
  ///   - new: The bytes that shall be there, as many.
  ///   - start: Where in the file they begin.
  ///   - fileSize: The size of the file.
  package init?(of old: [UInt8], by new: [UInt8], at start: Int, fileSize: Int) {
    precondition(old.count == new.count, "a range keeps its length")
    guard let first = old.indices.first(where: { old[$0] != new[$0] }),
      let last = old.indices.last(where: { old[$0] != new[$0] })
    else { return nil }
    self.fileSize = fileSize
    position = start + first
    self.old = Array(old[first...last])
    self.new = Array(new[first...last])
  }

  /// The number of bytes that are written.
  package var count: Int { new.count }

  // MARK: Replacing

  /// Replaces the range.
  ///
  /// - Parameters:
  ///   - path: The file, which must not be a link.
  ///   - identity: Which file it was when it was read.
  ///   - backup: Where the backup goes.
  ///   - disk: How the disk is asked.
  ///   - pieceBytes: How many bytes are written at once.
  ///   - goesOn: Asked at each step; `false` stops at once and leaves everything as it is: for tests.
  /// - Throws: `cannotWrite`; `inputOutput`; `mismatch` when the file is no longer what was read.
  package func perform(
    on path: String, _ identity: FileIdentity?, backup: String, disk: DiskCalls = DiskCalls(),
    pieceBytes: Int = 1 << 20, goesOn: (Step) -> Bool = { _ in true }
  ) throws(WeightmillError) {
    let file = try ChangedFile(path)
    defer { file.close() }
    guard file.identity == identity, file.byteCount == fileSize,
      try file.bytes(at: position, count: old.count) == old
    else {
      throw WeightmillError(
        .mismatch, path, "has changed since it was read", remedy: "run the command again")
    }
    try OutputFile.write(encoded, to: backup, overwrite: false, inputs: [])
    guard goesOn(.backedUp) else { return }
    do throws(WeightmillError) {
      var done = 0
      while done < new.count {
        let end = min(new.count, done + pieceBytes)
        try file.write(new[done..<end], at: position + done)
        done = end
        guard goesOn(.wrote(done)) else { return }
      }
      try file.flush(disk)
    } catch {
      // What cannot be undone, the next run undoes: the backup stays.
      guard (try? file.write(old[...], at: position)) != nil, (try? file.flush(disk)) != nil
      else { throw error }
      Self.remove(backup)
      throw error
    }
    guard goesOn(.flushed) else { return }
    Self.remove(backup)
  }

  private static func remove(_ backup: String) {
    FilePath(backup).remove()
    _ = FilePath(backup).folder.flushNames()
  }

  // MARK: Mending

  /// Undoes what was interrupted, or finds that it was complete; the backup is gone afterwards.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - backup: Where its backup would be.
  /// - Returns: What was done; `nil` when there is no backup.
  /// - Throws: `malformed` for a backup that is not of this file; `cannotWrite`; `inputOutput`.
  package static func mend(_ path: String, backup: String) throws(WeightmillError) -> Mended? {
    guard FileIdentity(path: backup) != nil else { return nil }
    let file = try ChangedFile(path)
    defer { file.close() }
    // Whoever had the lock may have been done in between.
    guard FileIdentity(path: backup) != nil else { return nil }
    let change = try RangeReplacement(backup: backup)
    let stranger = WeightmillError(
      .malformed, backup, "is the backup of a file that is no longer at \(path)",
      remedy: "if \(path) was replaced since and is whole, remove the backup")
    guard file.byteCount == change.fileSize else { throw stranger }
    let present = try file.bytes(at: change.position, count: change.old.count)
    guard present != change.new else {
      try file.flush(DiskCalls())
      remove(backup)
      return .wasComplete
    }
    // Each byte is what it was or what it was to be: else somebody has written another file there.
    guard
      present.indices.allSatisfy({
        present[$0] == change.old[$0] || present[$0] == change.new[$0]
      })
    else { throw stranger }
    try file.write(change.old[...], at: change.position)
    try file.flush(DiskCalls())
    remove(backup)
    return .undone
  }

  // MARK: The backup

  /// The backup: lines of text, an empty one, the old bytes, the new bytes.
  private var encoded: [UInt8] {
    Array("\(Self.magic)\nsize \(fileSize)\nposition \(position)\ncount \(old.count)\n\n".utf8)
      + old + new
  }

  /// Reads a backup.
  private init(backup: String) throws(WeightmillError) {
    let file = try InputFile(backup)
    let wrong = WeightmillError(
      .malformed, backup, "is not a backup that Weightmill has made",
      remedy: "remove it if the file beside it is whole")
    guard file.byteCount <= 2 * Self.maximumBytes + 256 else { throw wrong }
    let bytes = try file.bytes(at: 0, count: file.byteCount)
    var rest = bytes[...]
    func line() throws(WeightmillError) -> String {
      guard let end = rest.prefix(64).firstIndex(of: UInt8(ascii: "\n")) else { throw wrong }
      defer { rest = rest[(end + 1)...] }
      return String(decoding: rest[..<end], as: UTF8.self)
    }
    func number(_ name: String) throws(WeightmillError) -> Int {
      let words = try line().split(separator: " ", omittingEmptySubsequences: false)
      guard words.count == 2, words[0] == name, let number = Int(words[1]), number >= 0 else {
        throw wrong
      }
      return number
    }
    guard try line() == Self.magic else { throw wrong }
    fileSize = try number("size")
    position = try number("position")
    let count = try number("count")
    guard try line().isEmpty, count > 0, count <= Self.maximumBytes, rest.count == 2 * count,
      position <= fileSize, count <= fileSize - position
    else { throw wrong }
    old = Array(rest.prefix(count))
    new = Array(rest.suffix(count))
  }
}

/// A file that exists, opened to change bytes in it, for this process alone.
private struct ChangedFile {
  private let path: String
  private let descriptor: FileDescriptor
  let byteCount: Int
  let identity: FileIdentity

  init(_ path: String) throws(WeightmillError) {
    let (descriptor, stat) = try Self.open(path)
    self.path = path
    self.descriptor = descriptor
    byteCount = Int(clamping: stat.size)
    identity = FileIdentity(stat)
  }

  private static func open(_ path: String) throws(WeightmillError) -> (FileDescriptor, Stat) {
    let descriptor: FileDescriptor
    do {
      descriptor = try FileDescriptor.open(
        FilePath(path), .readWrite, options: [.closeOnExec, .noFollow, .nonBlocking])
    } catch {
      throw WeightmillError(
        .cannotWrite, path, "cannot be changed: \(error)",
        remedy: "check its permissions, or write another file")
    }
    guard let stat = try? descriptor.stat(), stat.type == .regular, descriptor.lock() else {
      try? descriptor.close()
      throw WeightmillError(
        .cannotWrite, path, "is being changed by another run, or is no regular file",
        remedy: "wait until that is done")
    }
    return (descriptor, stat)
  }

  func close() { try? descriptor.close() }

  func bytes(at position: Int, count: Int) throws(WeightmillError) -> [UInt8] {
    try descriptor.bytes(at: position, count: count, of: path)
  }

  func write(_ bytes: ArraySlice<UInt8>, at position: Int) throws(WeightmillError) {
    do {
      try unsafe bytes.withUnsafeBytes { buffer in
        _ = try unsafe descriptor.writeAll(toAbsoluteOffset: Int64(position), buffer)
      }
    } catch { throw .writing(path, error) }
  }

  func flush(_ disk: DiskCalls) throws(WeightmillError) {
    if let error = disk.flush(descriptor) { throw .writing(path, error) }
  }
}
