internal import Synchronization
package import SystemPackage
package import WeightmillTensors

/// A file that appears under its name only when it is complete.
///
/// Bytes go to a temporary file in the same folder; `commit` flushes it to the disk and renames
/// it. A file that is not committed is removed.
package final class OutputFile: PendingOutput {
  private let path: String
  private let temporary: FilePath
  private let file: WritableFile
  private let overwrite: Bool
  private let keeps = Atomic<Bool>(false)

  /// Creates the temporary file.
  ///
  /// - Parameters:
  ///   - path: The name the file shall have.
  ///   - overwrite: Whether a file of that name may be replaced.
  ///   - inputs: Files that are read; the output must be none of them.
  ///   - disk: How the disk is asked.
  /// - Throws: `cannotWrite` with the reason.
  package convenience init(
    _ path: String, overwrite: Bool, inputs: [String], disk: DiskCalls = DiskCalls()
  ) throws(WeightmillError) {
    try self.init(path, overwrite: overwrite, inputs: inputs, run: TemporaryNames(), disk: disk)
  }

  /// Creates the temporary file, or opens that of an interrupted run.
  ///
  /// - Parameters:
  ///   - path: The name the file shall have.
  ///   - overwrite: Whether a file of that name may be replaced.
  ///   - inputs: Files that are read; the output must be none of them.
  ///   - run: The temporary names.
  ///   - disk: How the disk is asked.
  /// - Throws: `cannotWrite` with the reason.
  package init(
    _ path: String, overwrite: Bool, inputs: [String], run: TemporaryNames, disk: DiskCalls
  ) throws(WeightmillError) {
    try Self.check(path, overwrite: overwrite, inputs: inputs)
    self.path = path
    self.overwrite = overwrite
    temporary = run.partial(of: FilePath(path))
    file = try WritableFile(temporary, shown: path, isResumed: run.isResumed, disk: disk)
  }

  /// Writes a file that is whole in memory.
  ///
  /// - Parameters:
  ///   - bytes: Its bytes.
  ///   - path: The name the file shall have.
  ///   - overwrite: Whether a file of that name may be replaced.
  ///   - inputs: Files that are read; the output must be none of them.
  /// - Throws: `cannotWrite`, `inputOutput`.
  package static func write(
    _ bytes: [UInt8], to path: String, overwrite: Bool, inputs: [String]
  ) throws(WeightmillError) {
    let output = try OutputFile(path, overwrite: overwrite, inputs: inputs)
    try output.begin(nil, byteCount: bytes.count).write(bytes, count: bytes.count, at: 0)
    try output.commit(Cancellation())
  }

  /// Refuses outputs that would destroy something.
  package static func check(
    _ path: String, overwrite: Bool, inputs: [String]
  ) throws(WeightmillError) {
    let target = FilePath(path)
    guard let name = target.lastComponent, name.kind == .regular, !path.hasSuffix("/") else {
      throw WeightmillError(.usage, path, "is not the name of a file")
    }
    guard (try? target.folder.stat())?.type == .directory else {
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
      let isFolder = stat.type == .directory
      throw WeightmillError(
        .cannotWrite, path, isFolder ? "is a folder" : "exists and is not a regular file",
        remedy: isFolder
          ? "give the name of a file, or --format safetensors to `convert`" : "choose another name")
    }
    guard overwrite else {
      throw WeightmillError(
        .cannotWrite, path, "exists already", remedy: "choose another name, or give --force")
    }
  }

  /// Refuses two outputs under one name, however it is spelt, whether or not a file is there.
  package static func check(_ path: String, isNot other: String) throws(WeightmillError) {
    let (first, second) = (FilePath(path), FilePath(other))
    let isOneName =
      first.lastComponent == second.lastComponent
      && FileIdentity(path: first.folder.string) == FileIdentity(path: second.folder.string)
    let isOneFile = FileIdentity(path: path).map { $0 == FileIdentity(path: other) } ?? false
    guard isOneName || isOneFile else { return }
    throw WeightmillError(
      .cannotWrite, path, "is to hold two outputs", remedy: "choose another name for one of them")
  }

  /// Removes a file that was kept beside an output, if it is a regular one.
  ///
  /// - Parameter path: The file.
  package static func removeKept(_ path: String) {
    let file = FilePath(path)
    guard (try? file.stat(followTargetSymlink: false))?.type == .regular else { return }
    file.remove()
  }

  deinit {
    if !keeps.load(ordering: .acquiring) { temporary.remove() }
  }

  package func keep() { keeps.store(true, ordering: .releasing) }

  /// Gives the file the permissions of one that it replaces.
  ///
  /// - Parameter path: The one that is there.
  /// - Throws: `inputOutput`.
  package func keepPermissions(of path: String) throws(WeightmillError) {
    guard let stat = try? FilePath(path).stat() else { return }
    if let error = temporary.setPermissions(stat.permissions) { throw .writing(path, error) }
  }

  package func begin(_ name: String?, byteCount: Int) throws(WeightmillError) -> WritableFile {
    try file.resize(to: byteCount)
    return file
  }

  package func commit(_ cancellation: Cancellation) throws(WeightmillError) {
    try file.close()
    try cancellation.check(path)
    let target = FilePath(path)
    if overwrite {
      if let error = temporary.move(to: target) { throw .writing(path, error) }
      keep()  // the name is gone: nothing is to be removed
    } else {
      try temporary.claim(target, shown: path)
      keeps.store(false, ordering: .releasing)  // the temporary name goes away with this object
    }
    if let error = target.folder.flushNames() { throw .writing(path, error) }
  }
}

extension FilePath {
  /// Gives the file a name unless something has taken it since.
  ///
  /// - Parameters:
  ///   - target: The name.
  ///   - shown: What the user calls it.
  /// - Throws: `cannotWrite` when the name is taken, `inputOutput`.
  package func claim(_ target: FilePath, shown: String) throws(WeightmillError) {
    switch hardLink(to: target) {
    case nil: return
    case .fileExists:
      throw WeightmillError(
        .cannotWrite, shown, "has appeared since the work began", remedy: "choose another name")
    case .notPermitted, .notSupported, .tooManyLinks:
      // A file system without links.
      if let error = move(to: target) { throw .writing(shown, error) }
    case let error?: throw .writing(shown, error)
    }
  }
}
