internal import Synchronization
import SystemPackage
package import WeightmillTensors

/// A folder of files that get their names only when all of them are complete.
///
/// A folder that is not there yet is written under a temporary name beside it and renamed as a
/// whole. In one that is there, the files are written to a temporary folder within and then renamed
/// in the order in which they were begun, so that the index is last. Files of other names stay as
/// they are, and no folder but the temporary one is ever removed. A file's name may have a folder in
/// front, which is made: `additional_chat_templates/rag.jinja`.
package final class OutputFolder: PendingOutput {
  private let path: String
  private let target: FilePath
  private let staging: FilePath
  private let exists: Bool
  private let overwrite: Bool
  private let run: TemporaryNames
  private let keeps = Atomic<Bool>(false)
  private let disk: DiskCalls
  private let begun = Mutex<[(name: String, file: WritableFile)]>([])

  /// Creates the temporary folder.
  ///
  /// - Parameters:
  ///   - path: The folder.
  ///   - files: The names of all files that are to be written.
  ///   - overwrite: Whether files in it may be replaced.
  ///   - inputs: Files that are read: none of them may be replaced.
  ///   - origins: What is read: the output must not lie in one of these folders.
  ///   - wouldMix: Whether a file of this name that stays would be taken for one of the new ones.
  ///   - run: The temporary names.
  ///   - disk: How the disk is asked.
  /// - Throws: `cannotWrite` with the reason.
  package init(
    _ path: String, files: [String], overwrite: Bool, inputs: [String], origins: [String],
    wouldMix: (String) -> Bool, run: TemporaryNames, disk: DiskCalls
  ) throws(WeightmillError) {
    exists = try Self.check(
      path, files: files, overwrite: overwrite, inputs: inputs, origins: origins,
      wouldMix: wouldMix)
    self.path = path
    self.overwrite = overwrite
    target = FilePath(path)
    self.run = run
    self.disk = disk
    staging = run.partial(of: exists ? target.appending("weightmill") : target)
    if run.isResumed, (try? staging.stat(followTargetSymlink: false))?.type == .directory { return }
    if let error = staging.makeFolder() { throw .creating(path, error) }
  }

  deinit {
    guard !keeps.load(ordering: .acquiring) else { return }
    let names = begun.withLock { $0 }.map(\.name)
    for name in names { staging.appending(name).remove() }
    for folder in Self.folders(names) { staging.appending(folder).removeFolder() }
    staging.removeFolder()
  }

  package func keep() { keeps.store(true, ordering: .releasing) }

  package func begin(_ name: String?, byteCount: Int) throws(WeightmillError) -> WritableFile {
    let name = name ?? "model.safetensors"
    // What goes wrong here goes wrong with the file, too, which says so.
    for folder in Self.folders([name]) { _ = staging.appending(folder).makeFolder() }
    let file = try WritableFile(
      staging.appending(name), shown: shown(name), isResumed: run.isResumed, disk: disk)
    begun.withLock { $0.append((name, file)) }
    try file.resize(to: byteCount)
    return file
  }

  package func commit(_ cancellation: Cancellation) throws(WeightmillError) {
    let files = begun.withLock { $0 }
    for (_, file) in files {
      try cancellation.check(path)
      try file.close()
    }
    try cancellation.check(path)
    for folder in Self.folders(files.map(\.name)) {
      if let error = staging.appending(folder).flushNames() { throw .writing(path, error) }
    }
    if exists { try moveFiles(files.map(\.name)) } else { try moveFolder() }
    keeps.store(false, ordering: .releasing)
  }

  /// The folders in front of files' names, each once.
  private static func folders(_ names: [String]) -> [String] {
    let folders = names.compactMap { name in
      name.utf8.firstIndex(of: UInt8(ascii: "/")).map { String(name[..<$0]) }
    }
    return folders.indices.filter { folders.firstIndex(of: folders[$0]) == $0 }.map { folders[$0] }
  }

  private func moveFolder() throws(WeightmillError) {
    if let error = staging.flushNames() { throw .writing(path, error) }
    switch staging.move(to: target) {
    case nil:
      if let error = target.folder.flushNames() { throw .writing(path, error) }
    case .directoryNotEmpty, .fileExists, .notDirectory:
      throw WeightmillError(
        .cannotWrite, path, "has appeared since the work began", remedy: "choose another name")
    case let error?: throw .writing(path, error)
    }
  }

  private func moveFiles(_ names: [String]) throws(WeightmillError) {
    var added: [FilePath] = []
    let folders = Self.folders(names).map { target.appending($0) }
    do throws(WeightmillError) {
      for folder in folders {
        if let error = folder.makeFolder(), error != .fileExists { throw .writing(path, error) }
      }
      for name in names {
        let (source, destination) = (staging.appending(name), target.appending(name))
        let isNew = (try? destination.stat(followTargetSymlink: false)) == nil
        if !overwrite {
          try source.claim(destination, shown: shown(name))
        } else if let error = source.move(to: destination) {
          throw .writing(shown(name), error)
        }
        if isNew { added.append(destination) }
      }
    } catch {
      for destination in added { destination.remove() }
      for folder in folders { folder.removeFolder() }
      throw error
    }
    for folder in folders {
      if let error = folder.flushNames() { throw .writing(path, error) }
    }
    if let error = target.flushNames() { throw .writing(path, error) }
  }

  private func shown(_ name: String) -> String { FilePath(path).appending(name).string }
}

/// What is asked before anything is written.
extension OutputFolder {
  /// Refuses folders whose files would be destroyed or mixed up.
  ///
  /// - Returns: Whether the folder is there.
  @discardableResult
  package static func check(
    _ path: String, files: [String], overwrite: Bool, inputs: [String], origins: [String],
    wouldMix: (String) -> Bool
  ) throws(WeightmillError) -> Bool {
    let target = FilePath(path)
    let isThere = (try? target.stat(followTargetSymlink: false)) != nil
    try checkOrigins(target, isThere: isThere, origins, path: path)
    guard isThere else {
      guard target.lastComponent?.kind == .regular else {
        throw WeightmillError(.usage, path, "is not the name of a folder")
      }
      guard (try? target.folder.stat())?.type == .directory else {
        throw WeightmillError(
          .cannotWrite, path, "the folder it shall lie in does not exist",
          remedy: "create that folder first")
      }
      return false
    }
    guard (try? target.stat())?.type == .directory else {
      throw WeightmillError(
        .cannotWrite, path, "exists and is not a folder", remedy: "choose another name")
    }
    let names = try Folder(path).names
    guard names.isEmpty || overwrite else {
      throw WeightmillError(
        .cannotWrite, path, "exists already and is not empty",
        remedy: "choose another name, or give --force to replace files in it")
    }
    try checkContent(
      target, names, files: files, inputs: inputs, path: path, wouldMix: wouldMix)
    return true
  }

  private static func checkContent(
    _ target: FilePath, _ names: [String], files: [String], inputs: [String], path: String,
    wouldMix: (String) -> Bool
  ) throws(WeightmillError) {
    let inputs = Set(inputs.compactMap { FileIdentity(path: $0) })
    for name in names {
      if files.contains(name) {
        let old = target.appending(name)
        if let identity = FileIdentity(path: old.string), inputs.contains(identity) {
          throw WeightmillError(
            .cannotWrite, old.string, "is an input, which would be replaced",
            remedy: "choose another folder")
        }
        guard (try? old.stat(followTargetSymlink: false))?.type == .directory else { continue }
        throw WeightmillError(
          .cannotWrite, path, "holds a folder named \(quoted(name)) in the place of a file",
          remedy: "choose another name")
      }
      guard !wouldMix(name) else {
        throw WeightmillError(
          .cannotWrite, path,
          "holds model files that would stay beside the new ones, such as \(quoted(name))",
          remedy: "remove them, or choose another name")
      }
    }
  }

  /// Refuses a folder in one that is read, however its path is spelled.
  private static func checkOrigins(
    _ target: FilePath, isThere: Bool, _ origins: [String], path: String
  ) throws(WeightmillError) {
    let parent = target.folder
    for start in isThere ? [target, parent] : [parent] {
      var folder = start
      var last: FileIdentity?
      while let identity = FileIdentity(path: folder.string), identity != last {
        for origin in origins where FileIdentity(path: origin) == identity {
          throw WeightmillError(
            .cannotWrite, path,
            isThere && folder == target
              ? "is an input, which would be changed" : "lies in the input \(origin)",
            remedy: "choose a folder outside of the inputs")
        }
        last = identity
        // Not by the letters of the path: links may have led here.
        folder = folder.appending("..")
      }
    }
  }
}
