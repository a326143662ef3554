package import SystemPackage

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
