package import SystemPackage
import WeightmillTensors

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// Changes to a folder's entries that swift-system does not offer.
extension FilePath {
  /// Gives the entry another name, in place of what has that name.
  ///
  /// - Parameter target: The name.
  /// - Returns: The error, if there is one.
  package func move(to target: FilePath) -> Errno? {
    unsafe call(with: target) { unsafe Self.code(rename($0, $1)) }
  }

  /// Gives the file a second name, unless something has it.
  ///
  /// - Parameter target: The name.
  /// - Returns: The error, if there is one.
  package func hardLink(to target: FilePath) -> Errno? {
    unsafe call(with: target) { unsafe Self.code(link($0, $1)) }
  }

  /// Sets who may read and write the file.
  ///
  /// - Parameter permissions: The permissions.
  /// - Returns: The error, if there is one.
  package func setPermissions(_ permissions: FilePermissions) -> Errno? {
    unsafe withPlatformString { unsafe Self.code(chmod($0, permissions.rawValue)) }
  }

  /// Removes the name of a file.
  package func remove() { _ = unsafe withPlatformString { unsafe unlink($0) } }

  /// Creates a folder.
  ///
  /// - Returns: The error, if there is one.
  package func makeFolder() -> Errno? {
    unsafe withPlatformString { unsafe Self.code(mkdir($0, 0o777)) }
  }

  /// Removes a folder if it is empty.
  package func removeFolder() { _ = unsafe withPlatformString { unsafe rmdir($0) } }

  /// The time of the last change of the file or its entry, to the nanosecond; `nil` without one.
  ///
  /// Not the time of writing, which programs can set.
  package var timeOfChange: String? {
    guard let time = (try? stat())?.st_ctim else { return nil }
    let fraction = String(time.tv_nsec)
    return "\(time.tv_sec).\(String(repeating: "0", count: max(0, 9 - fraction.count)))\(fraction)"
  }

  /// The number of bytes that may still be written to the entry's file system; `nil` when it does not
  /// tell.
  package var freeBytes: Int? {
    var system = statvfs()
    guard unsafe withPlatformString({ unsafe statvfs($0, &system) }) == 0 else { return nil }
    let (bytes, overflow) = Int(clamping: system.f_bavail)
      .multipliedReportingOverflow(by: Int(clamping: system.f_frsize))
    return overflow ? nil : bytes
  }

  /// Flushes a folder's names to the disk: a new name is safe when its folder is.
  ///
  /// - Returns: The error of the disk, if there is one. Not every file system can be asked, and not
  ///   every folder be opened: that is none.
  package func flushNames() -> Errno? {
    guard
      let handle = try? FileDescriptor.open(self, .readOnly, options: [.closeOnExec, .directory])
    else { return nil }
    defer { try? handle.close() }
    let failures: [Errno] = [.ioError, .noSpace, .diskQuotaExceeded, .staleNFSFileHandle]
    return handle.flush().flatMap { failures.contains($0) ? $0 : nil }
  }

  private func call(
    with target: FilePath, _ function: (UnsafePointer<CChar>, UnsafePointer<CChar>) -> Errno?
  ) -> Errno? {
    unsafe withPlatformString { from in
      unsafe target.withPlatformString { to in unsafe function(from, to) }
    }
  }

  private static func code(_ result: CInt) -> Errno? {
    result == 0 ? nil : Errno(rawValue: errno)
  }
}

extension FileDescriptor {
  /// Reads back bytes of a file that is being written.
  ///
  /// - Parameters:
  ///   - position: The first byte.
  ///   - count: How many.
  ///   - path: The file, for messages.
  /// - Returns: The bytes.
  /// - Throws: `inputOutput`, also when the file ends before.
  func bytes(
    at position: Int, count: Int, of path: String
  ) throws(WeightmillError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let got: Int
      do {
        got = try unsafe bytes.withUnsafeMutableBytes { buffer in
          try unsafe read(
            fromAbsoluteOffset: Int64(position + done),
            into: UnsafeMutableRawBufferPointer(rebasing: buffer[done...]))
        }
      } catch { throw .writing(path, error) }
      guard got > 0 else { throw .writing(path, Errno.ioError) }
      done += got
    }
    return bytes
  }

  /// Flushes the file to the disk.
  ///
  /// - Returns: The error, if there is one.
  package func flush() -> Errno? {
    while fsync(rawValue) != 0 {
      guard errno == EINTR else { return Errno(rawValue: errno) }
    }
    return nil
  }

  /// Takes the file for this process alone, until it is closed or the process ends.
  ///
  /// - Returns: Whether no other process has it.
  package func lock() -> Bool { flock(rawValue, LOCK_EX | LOCK_NB) == 0 }
}
