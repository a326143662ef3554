internal import Synchronization
import SystemPackage
package import WeightmillTensors

/// Several files in one folder that get their names only when all of them are complete.
///
/// Each is written under a temporary name. Names are given from the last file to the first, which
/// is the one that programs are told to open.
package final class OutputShards: PendingOutput {
  private let path: String
  private let overwrite: Bool
  private let run: TemporaryNames
  private let keeps = Atomic<Bool>(false)
  private let disk: DiskCalls
  private let begun = Mutex<[(name: String, temporary: FilePath, file: WritableFile)]>([])

  /// Checks the names; files are created by `begin`.
  ///
  /// - Parameters:
  ///   - path: The output, in whose folder the files are.
  ///   - names: Their names.
  ///   - overwrite: Whether files of these names may be replaced.
  ///   - inputs: Files that are read: none of them may be replaced.
  ///   - run: The temporary names.
  ///   - disk: How the disk is asked.
  /// - Throws: `cannotWrite` with the reason.
  package init(
    _ path: String, names: [String], overwrite: Bool, inputs: [String], run: TemporaryNames,
    disk: DiskCalls
  ) throws(WeightmillError) {
    try Self.check(path, names: names, overwrite: overwrite, inputs: inputs)
    self.path = path
    self.overwrite = overwrite
    self.run = run
    self.disk = disk
  }

  /// Refuses outputs that would destroy something.
  package static func check(
    _ path: String, names: [String], overwrite: Bool, inputs: [String]
  ) throws(WeightmillError) {
    guard FilePath(path).lastComponent?.kind == .regular, !path.hasSuffix("/") else {
      throw WeightmillError(.usage, path, "is not the name of a file")
    }
    for name in names {
      try OutputFile.check(
        Self.path(name, beside: path).string, overwrite: overwrite, inputs: inputs)
    }
  }

  deinit {
    guard !keeps.load(ordering: .acquiring) else { return }
    for file in begun.withLock({ $0 }) { file.temporary.remove() }
  }

  package func keep() { keeps.store(true, ordering: .releasing) }

  package func begin(_ name: String?, byteCount: Int) throws(WeightmillError) -> WritableFile {
    let name = name ?? "model.gguf"
    let target = Self.path(name, beside: path)
    let temporary = run.partial(of: target)
    let file = try WritableFile(
      temporary, shown: target.string, isResumed: run.isResumed, disk: disk)
    begun.withLock { $0.append((name, temporary, file)) }
    try file.resize(to: byteCount)
    return file
  }

  package func commit(_ cancellation: Cancellation) throws(WeightmillError) {
    let files = begun.withLock { $0 }
    for (_, _, file) in files {
      try cancellation.check(path)
      try file.close()
    }
    try cancellation.check(path)
    var added: [FilePath] = []
    do throws(WeightmillError) {
      for (name, temporary, _) in files.reversed() {
        let target = Self.path(name, beside: path)
        let isNew = (try? target.stat(followTargetSymlink: false)) == nil
        if !overwrite {
          try temporary.claim(target, shown: target.string)
        } else if let error = temporary.move(to: target) {
          throw .writing(target.string, error)
        }
        if isNew { added.append(target) }
      }
    } catch {
      for file in added { file.remove() }
      throw error
    }
    keeps.store(false, ordering: .releasing)
    if let error = FilePath(path).folder.flushNames() { throw .writing(path, error) }
  }

  private static func path(_ name: String, beside path: String) -> FilePath {
    FilePath(path).removingLastComponent().appending(name)
  }
}
