package import SystemPackage
package import WeightmillTensors

/// An output that is being written: one file, or a folder of files.
///
/// It appears under its name when it is complete. One that is not committed is removed.
package protocol PendingOutput: Sendable {
  /// Creates one of its files, or opens what an interrupted run has of it.
  ///
  /// - Parameters:
  ///   - name: Its name in the output's folder; `nil` for an output that is one file.
  ///   - byteCount: Its size; what is not written reads as zeros.
  /// - Returns: The file.
  /// - Throws: `cannotWrite`, `inputOutput`.
  func begin(_ name: String?, byteCount: Int) throws(WeightmillError) -> WritableFile

  /// Leaves what was written where it is, for a run that resumes, unless it is committed.
  func keep()

  /// Flushes everything to the disk, closes its files and gives it its name.
  ///
  /// - Parameter cancellation: A way to stop while the disk is waited for.
  /// - Throws: `cannotWrite`, `inputOutput`, `interrupted`.
  func commit(_ cancellation: Cancellation) throws(WeightmillError)
}

/// The temporary names of a run: `.NAME.ID.partial` beside what shall be NAME.
package struct TemporaryNames: Sendable, Equatable {
  /// The random id that tells this run's files from those of others.
  package let id: String
  /// Whether files of an earlier run are there to be continued.
  package let isResumed: Bool

  /// A run that nothing was written of.
  package init() {
    id = String(UInt64.random(in: .min ... .max), radix: 36)
    isResumed = false
  }

  /// A run that was interrupted.
  package init(resuming id: String) {
    self.id = id
    isResumed = true
  }

  /// The name that a file has until it is complete.
  package func partial(of target: FilePath) -> FilePath { name(of: target, ending: "partial") }

  /// The name of the journal of a run that writes `target`.
  package func journal(of target: FilePath) -> FilePath { name(of: target, ending: "journal") }

  private func name(of target: FilePath, ending: String) -> FilePath {
    let name = target.lastComponent?.string ?? "output"
    return target.removingLastComponent().appending(".\(name).\(id).\(ending)")
  }

  /// The id in a journal's name, or `nil` for another file.
  package static func id(journal name: String, of target: FilePath) -> String? {
    let start = ".\(target.lastComponent?.string ?? "output")."
    guard name.hasPrefix(start), name.hasSuffix(".journal") else { return nil }
    let id = name.dropFirst(start.count).dropLast(".journal".count)
    guard !id.isEmpty, id.count <= 13,
      id.allSatisfy({ $0.isASCII && ($0.isNumber || $0.isLowercase) })
    else { return nil }
    return String(id)
  }
}
