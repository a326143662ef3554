internal import Synchronization
package import SystemPackage

/// A file opened for bounded positional reads, by its path or its address.
///
/// The size is taken once, at opening; a file that turns out shorter is an error, never a crash,
/// which is why files are read and not mapped.
package struct InputFile: ~Copyable, Sendable {
  /// The largest size of a file that is opened: 64 TiB, more than a file system such as ext4 holds.
  ///
  /// A file that says it is larger has holes, and takes no space. With this bound sums of sizes of
  /// tensors, in whatever type they are counted, stay far below the largest integer.
  package static let maximumBytes = 1 << 46

  /// The path as the user gave it.
  package let path: String
  private let source: any ByteSource
  private let watch = ReadWatch()

  /// Opens a file.
  ///
  /// - Parameter path: The path, of which links are followed, or the address.
  /// - Throws: `noInput` when there is no such file, `refused` when it is not a regular file, or is
  ///   larger than any checkpoint; of addresses also `inputOutput`, `unsupported`.
  package init(_ path: String) throws(WeightmillError) {
    self.path = path
    source =
      InputPath.isRemote(path)
      ? try RemoteAccess.required(for: path).open(path) : try LocalFile(path)
  }

  /// The size in bytes when the file was opened.
  package var byteCount: Int { source.byteCount }

  /// The file's identity, whatever the path; `nil` for one that is read by its address.
  package var identity: FileIdentity? { source.identity }

  /// What the server calls this state of the file; `nil` for a file of the file system.
  package var version: String? { source.version }

  /// The size of a file.
  ///
  /// - Parameter path: The path or the address.
  /// - Returns: The bytes; `nil` when it cannot be told.
  package static func byteCount(of path: String) -> Int? {
    guard !InputPath.isRemote(path) else {
      return (try? RemoteAccess.required(for: path).open(path))?.byteCount
    }
    return (try? FilePath(path).stat()).map { Int($0.size) }
  }

  /// Refuses a file that is larger than any checkpoint.
  ///
  /// - Parameters:
  ///   - byteCount: Its size.
  ///   - path: Its path.
  /// - Throws: `refused`.
  package static func checkSize(_ byteCount: Int, _ path: String) throws(WeightmillError) {
    guard byteCount <= maximumBytes else {
      throw WeightmillError(
        .refused, path, "is \(byteCount) bytes long; files of at most \(maximumBytes) are read",
        remedy: "fetch the file again: no checkpoint is as large")
    }
  }

  /// Reads bytes at a position.
  ///
  /// - Parameters:
  ///   - position: The first byte of the file to read.
  ///   - count: How many bytes to read.
  ///   - bytes: Where to write; must have room for `count` bytes at `offset`.
  ///   - offset: The first byte to write.
  /// - Throws: `malformed` when the file ends before, `inputOutput` when reading fails.
  package borrowing func read(
    at position: Int, count: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    precondition(offset >= 0 && count >= 0 && offset + count <= bytes.byteCount)
    let source = source
    let watch = watch
    try unsafe bytes.withUnsafeMutableBytes { (buffer) throws(WeightmillError) in
      try unsafe source.read(
        at: position,
        into: UnsafeMutableRawBufferPointer(rebasing: buffer[offset..<offset + count]))
      guard let watcher = watch.watcher else { return }
      let read = unsafe UnsafeRawBufferPointer(rebasing: buffer[offset..<offset + count])
      watcher.didRead(unsafe read.bytes, at: position)
    }
  }

  /// Shows all bytes that are read from now on.
  ///
  /// - Parameter watcher: Who looks at them; `nil` for nobody.
  package borrowing func show(to watcher: (any ReadWatcher)?) { watch.watcher = watcher }

  /// Reads rows of a tensor whose rows lie one after the other.
  ///
  /// - Parameters:
  ///   - rows: The rows.
  ///   - tensor: The tensor.
  ///   - position: Where its first row begins.
  ///   - bytes: Where to write; must have room for the rows at `offset`.
  ///   - offset: The first byte to write.
  /// - Throws: As `read(at:count:into:at:)`.
  package borrowing func read(
    rows: Range<Int>, of tensor: TensorDescriptor, from position: Int,
    into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let size = tensor.bytesPerRow
    try read(
      at: position + rows.lowerBound * size, count: rows.count * size, into: &bytes, at: offset)
  }

  /// Reads bytes at a position into a new array.
  ///
  /// - Parameters:
  ///   - position: The first byte to read.
  ///   - count: How many bytes; bounded by the size of the file before anything is allocated.
  /// - Returns: The bytes.
  /// - Throws: `malformed` when the range is not within the file, `inputOutput` when reading fails.
  package borrowing func bytes(at position: Int, count: Int) throws(WeightmillError) -> [UInt8] {
    guard position >= 0, count >= 0, position <= byteCount, count <= byteCount - position else {
      throw WeightmillError(
        .malformed, path, "ends too early", at: "\(count) bytes wanted at byte \(position)",
        remedy: "the download may be incomplete: fetch the file again")
    }
    var bytes = [UInt8](repeating: 0, count: count)
    try bytes.withMutableBytes { (span) throws(WeightmillError) in
      try read(at: position, count: count, into: &span, at: 0)
    }
    return bytes
  }
}

/// A file's identity: its device and its number there.
package struct FileIdentity: Hashable, Sendable {
  private let device: UInt64
  private let inode: UInt64

  package init(_ stat: Stat) {
    device = UInt64(truncatingIfNeeded: stat.deviceID.rawValue)
    inode = UInt64(truncatingIfNeeded: stat.inode.rawValue)
  }

  /// The identity of what a path leads to, or `nil` when nothing is there.
  ///
  /// - Parameter path: The path; links are followed.
  package init?(path: String) {
    guard let stat = try? FilePath(path).stat() else { return nil }
    self.init(stat)
  }
}

extension WeightmillError {
  /// The error for a path that cannot be opened.
  ///
  /// - Parameters:
  ///   - path: The path.
  ///   - error: What the operating system said, an `Errno`.
  /// - Returns: The error to throw.
  package static func opening(_ path: String, _ error: any Error) -> WeightmillError {
    switch error as? Errno {
    case .noSuchFileOrDirectory, .notDirectory:
      WeightmillError(.noInput, path, "no such file or folder", remedy: "check the path")
    case .permissionDenied, .notPermitted:
      WeightmillError(.noInput, path, "may not be read", remedy: "check its permissions")
    case .noSuchAddressOrDevice:
      // A socket; a device that nothing drives.
      WeightmillError(.refused, path, "is not a regular file", remedy: "give a file")
    default:
      WeightmillError(.inputOutput, path, "cannot be opened: \(error)")
    }
  }
}

/// Looks at bytes of a file while they are read for another purpose: to hash what is read anyway.
package protocol ReadWatcher: AnyObject, Sendable {
  /// Takes bytes that were read.
  ///
  /// It is called from any thread, for any range, more than once for the same.
  ///
  /// - Parameters:
  ///   - bytes: The bytes.
  ///   - position: Where in the file the first of them is.
  func didRead(_ bytes: RawSpan, at position: Int)
}

/// The watcher of a file's reads, if there is one.
final class ReadWatch: Sendable {
  private let current = Mutex<(any ReadWatcher)?>(nil)

  var watcher: (any ReadWatcher)? {
    get { current.withLock { $0 } }
    set { current.withLock { $0 = newValue } }
  }
}

extension MutableRawSpan {
  /// Copies bytes of an array.
  ///
  /// - Parameters:
  ///   - source: Where to read.
  ///   - start: The first byte to read.
  ///   - count: How many bytes to copy; the ranges must lie within both sides.
  ///   - offset: The first byte to write.
  package mutating func copy(_ source: [UInt8], from start: Int, count: Int, to offset: Int) {
    precondition(start >= 0 && count >= 0 && start + count <= source.count)
    precondition(offset >= 0 && offset + count <= byteCount)
    unsafe withUnsafeMutableBytes { destination in
      unsafe source.withUnsafeBytes { bytes in
        guard let from = bytes.baseAddress, let to = destination.baseAddress else { return }
        unsafe (to + offset).copyMemory(from: from + start, byteCount: count)
      }
    }
  }
}

extension Array where Element == UInt8 {
  /// Gives the array's bytes as a span to write to.
  ///
  /// - Parameter body: What to do with the span.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws.
  package mutating func withMutableBytes<Result, Failure: Error>(
    _ body: (inout MutableRawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var elements = mutableSpan
    // Bytes have no padding: every one is initialised.
    var bytes = unsafe elements.mutableBytes
    return try body(&bytes)
  }
}
