internal import Synchronization
internal import SystemPackage
import Tensors

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// A file that appears under its name only when it is complete.
///
/// Bytes go to a temporary file in the same folder; `commit()` flushes it to the disk and renames
/// it. A file that is not committed is removed.
final class OutputFile: Sendable {
  private let path: String
  private let temporary: FilePath
  private let descriptor: FileDescriptor
  private let overwrite: Bool
  private let isCommitted = Atomic<Bool>(false)

  /// Creates the temporary file.
  ///
  /// - Parameters:
  ///   - path: The name the file shall have.
  ///   - overwrite: Whether a file of that name may be replaced.
  ///   - inputs: Files that are read; the output must be none of them.
  /// - Throws: `cannotWrite` with the reason.
  init(_ path: String, overwrite: Bool, inputs: [String]) throws(WeightmillError) {
    try Self.check(path, overwrite: overwrite, inputs: inputs)
    self.path = path
    self.overwrite = overwrite
    let target = FilePath(path)
    let name = target.lastComponent?.string ?? "output"
    let random = String(UInt64.random(in: .min ... .max), radix: 36)
    temporary = target.removingLastComponent().appending(".\(name).\(random).partial")
    do {
      descriptor = try FileDescriptor.open(
        temporary, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec, .noFollow],
        permissions: [.ownerReadWrite, .groupReadWrite, .otherReadWrite])
    } catch {
      throw WeightmillError(
        .cannotWrite, path, "cannot be created: \(error)",
        remedy: "check the folder's permissions")
    }
  }

  /// Refuses outputs that would destroy something.
  static func check(
    _ path: String, overwrite: Bool, inputs: [String]
  ) throws(WeightmillError) {
    let target = FilePath(path)
    guard let name = target.lastComponent, name.kind == .regular, !path.hasSuffix("/") else {
      throw WeightmillError(.usage, path, "is not the name of a file")
    }
    let folder = target.removingLastComponent()
    guard (try? (folder.isEmpty ? "." : folder).stat())?.type == .directory else {
      throw WeightmillError(
        .cannotWrite, path, "its folder does not exist", remedy: "create the folder first")
    }
    // A link that leads nowhere is something, too.
    guard let entry = try? target.stat(followTargetSymlink: false) else { return }
    let stat = (try? target.stat()) ?? entry
    let identity = FileIdentity(stat)
    for input in inputs where FileIdentity(path: input) == identity {
      throw WeightmillError(
        .cannotWrite, path, "is an input, which would be destroyed", remedy: "choose another name")
    }
    guard stat.type == .regular || stat.type == .symbolicLink else {
      throw WeightmillError(.cannotWrite, path, "exists and is not a regular file")
    }
    guard overwrite else {
      throw WeightmillError(
        .cannotWrite, path, "exists already", remedy: "choose another name, or give --force")
    }
  }

  deinit {
    try? descriptor.close()
    if !isCommitted.load(ordering: .acquiring) {
      _ = unsafe temporary.withPlatformString { unsafe unlink($0) }
    }
  }

  /// Makes the file this long; what is not written reads as zeros.
  func resize(to size: Int) throws(WeightmillError) {
    do { try descriptor.resize(to: Int64(size)) } catch { throw failed(error) }
  }

  /// Writes bytes at a position.
  func write(
    _ bytes: [UInt8], count: Int, at position: Int
  ) throws(WeightmillError) {
    do {
      try unsafe bytes.withUnsafeBytes { buffer in
        _ = try unsafe descriptor.writeAll(
          toAbsoluteOffset: Int64(position), UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      }
    } catch { throw failed(error) }
  }

  /// Flushes the file to the disk and gives it its name.
  func commit() throws(WeightmillError) {
    guard fsync(descriptor.rawValue) == 0 else { throw failed(Errno(rawValue: errno)) }
    let target = FilePath(path)
    if overwrite {
      try replace(target)
    } else {
      try claim(target)
    }
    // The name is safe on the disk when its folder is; not every file system can be asked.
    let folder = target.removingLastComponent()
    if let handle = try? FileDescriptor.open(folder.isEmpty ? "." : folder, .readOnly) {
      _ = fsync(handle.rawValue)
      try? handle.close()
    }
  }

  private func replace(_ target: FilePath) throws(WeightmillError) {
    if let error = unsafe call(rename, target) { throw failed(error) }
    isCommitted.store(true, ordering: .releasing)
  }

  /// Gives the file its name unless something has taken the name since.
  private func claim(_ target: FilePath) throws(WeightmillError) {
    switch unsafe call(link, target) {
    case nil: break  // the temporary name goes away with this object
    case .fileExists:
      throw WeightmillError(
        .cannotWrite, path, "has appeared since the work began", remedy: "choose another name")
    case .notPermitted, .notSupported, .tooManyLinks:
      // A file system without links.
      try replace(target)
    case let error?: throw failed(error)
    }
  }

  /// Calls a C function with the temporary name and the final one.
  private func call(
    _ function: (UnsafePointer<CChar>, UnsafePointer<CChar>) -> CInt, _ target: FilePath
  ) -> Errno? {
    unsafe temporary.withPlatformString { from in
      unsafe target.withPlatformString { to in
        unsafe function(from, to) == 0 ? nil : Errno(rawValue: errno)
      }
    }
  }

  private func failed(_ error: any Error) -> WeightmillError {
    WeightmillError(
      .inputOutput, path, "cannot be written: \(error)",
      remedy: (error as? Errno) == .noSpace ? "free some space" : "check the disk")
  }
}
