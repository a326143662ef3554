internal import SystemPackage

/// Bytes that are read by position: a file of the file system, or one that is read by its address.
package protocol ByteSource: AnyObject, Sendable {
  /// How many bytes there are.
  var byteCount: Int { get }
  /// Which file of the file system it is; `nil` for one that is read by its address.
  var identity: FileIdentity? { get }
  /// What the server calls this state of the file; `nil` for a file of the file system.
  var version: String? { get }

  /// Reads bytes.
  ///
  /// - Parameters:
  ///   - position: The first byte to read.
  ///   - bytes: Where to write; as many bytes are read as it has.
  /// - Throws: `malformed` when the bytes end before, `inputOutput` when reading fails, `mismatch` when
  ///   the file is another one by now.
  func read(at position: Int, into bytes: UnsafeMutableRawBufferPointer) throws(WeightmillError)
}

/// A regular file of the file system.
final class LocalFile: ByteSource {
  let byteCount: Int
  let identity: FileIdentity?
  private let path: String
  private let descriptor: FileDescriptor

  /// Opens a file.
  ///
  /// - Parameter path: The path; links are followed.
  /// - Throws: `noInput` when there is no such file, `refused` when it is not a regular file, or is
  ///   larger than any checkpoint.
  init(_ path: String) throws(WeightmillError) {
    let (descriptor, stat) = try Self.open(path)
    self.path = path
    self.descriptor = descriptor
    byteCount = Int(stat.size)
    identity = FileIdentity(stat)
  }

  private static func open(_ path: String) throws(WeightmillError) -> (FileDescriptor, Stat) {
    do {
      // Not blocking: opening a FIFO would otherwise wait for a writer.
      let descriptor = try FileDescriptor.open(
        FilePath(path), .readOnly, options: [.closeOnExec, .nonBlocking])
      do {
        let stat = try descriptor.stat()
        guard stat.type == .regular else {
          throw WeightmillError(
            .refused, path, stat.type == .directory ? "is a folder" : "is not a regular file",
            remedy: "give a file")
        }
        try InputFile.checkSize(Int(stat.size), path)
        return (descriptor, stat)
      } catch {
        try? descriptor.close()
        throw error
      }
    } catch {
      throw error as? WeightmillError ?? .opening(path, error)
    }
  }

  deinit { try? descriptor.close() }

  var version: String? { nil }

  /// The corresponding C function is `pread`.
  func read(at position: Int, into bytes: UnsafeMutableRawBufferPointer) throws(WeightmillError) {
    var done = 0
    while done < bytes.count {
      let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[done...])
      let got: Int
      do {
        got = try unsafe descriptor.read(fromAbsoluteOffset: Int64(position + done), into: rest)
      } catch {
        throw WeightmillError(
          .inputOutput, path, "cannot be read: \(error)", at: "byte \(position + done)",
          remedy: "check the disk")
      }
      guard got > 0 else {
        throw WeightmillError(
          .malformed, path, "ends too early", at: "byte \(position + done)",
          remedy: "the download may be incomplete: fetch the file again")
      }
      done += got
    }
  }
}
