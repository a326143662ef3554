internal import Synchronization
package import WeightmillModels
import WeightmillTensors

/// Hashes the files of a model while they are read to convert it.
///
/// A file is hashed by the threads that read it, in order, while its bytes are in the processor's
/// caches. What the conversion does not read, such as headers, is read at the end.
final class SourceDigests: Sendable {
  private let sources: [SourceFile]
  /// For each source its digest, if it is hashed.
  private let digests: [FileDigest?]
  private let location: String

  /// Opens the files that are to be hashed.
  ///
  /// - Parameters:
  ///   - sources: The files.
  ///   - hashing: Which of them are hashed, besides small ones.
  ///   - location: What is read, for messages.
  ///   - allowance: How many bytes may wait for their turn.
  /// - Throws: `noInput`, `refused`.
  init(
    _ sources: [SourceFile], hashing: SourceHashing, location: String, allowance: Allowance
  ) throws(WeightmillError) {
    self.sources = sources
    self.location = location
    var digests: [FileDigest?] = []
    for source in sources {
      let isHashed = hashing.includes(source) || source.isSmall
      digests.append(isHashed ? try FileDigest(source.path, allowance: allowance) : nil)
    }
    self.digests = digests
  }

  /// Begins to look at what is read.
  func start() {
    for (source, digest) in zip(sources, digests) { source.catalogue?.show(to: digest) }
  }

  /// Ends looking at what is read.
  func stop() { for source in sources { source.catalogue?.show(to: nil) } }

  /// Hashes what is missing.
  ///
  /// - Parameters:
  ///   - workers: The threads; each finishes one file.
  ///   - cancellation: A way to stop.
  /// - Returns: The files with their hashes.
  /// - Throws: Reading errors, `interrupted`.
  func finish(
    workers: Workers, cancellation: Cancellation
  ) throws(WeightmillError) -> [HashedSource] {
    stop()
    let hashes = Mutex([String?](repeating: nil, count: sources.count))
    try workers.forEach(sources.count, scratch: {}) { (index, _) throws(WeightmillError) in
      guard let digest = digests[index] else { return }
      let hash = try digest.finish { cancellation.isCancelled }
      guard let hash else { return try cancellation.check(location) }
      hashes.withLock { $0[index] = hash }
    }
    return zip(sources, hashes.withLock { $0 }).map { HashedSource(source: $0, sha256: $1) }
  }
}

extension SourceFile {
  /// Whether it is hashed whatever is asked: a vocabulary or the sizes.
  var isSmall: Bool {
    if case .small = kind { return true }
    return false
  }
}

/// A file that a model is made from, with its SHA-256.
package struct HashedSource: Sendable {
  /// The file.
  package let source: SourceFile
  /// The SHA-256 in lower-case hexadecimal; `nil` when the file was not hashed.
  package let sha256: String?
}

/// The choice of weight files that are hashed while they are read; vocabularies always are.
package enum SourceHashing: Sendable {
  /// No weight files.
  case none
  /// Weight files whose name and size are those of a published file.
  case known
  /// All weight files.
  case all

  /// Whether a file is hashed.
  func includes(_ source: SourceFile) -> Bool {
    switch self {
    case .none: false
    case .known: source.mayBeKnown
    case .all: true
    }
  }
}

/// The SHA-256 of a whole file, from what is read of it for other purposes and what is missing then.
///
/// Shown to a `FileCatalogue`, it hashes what is read while it is in the processor's caches. Nothing is
/// read twice but what was read too far ahead of its turn.
final class FileDigest: ReadWatcher {
  private let file: Reopened
  private let digest: OrderedDigest

  /// The file once more: what is read here is not shown to the watcher.
  private final class Reopened: Sendable {
    let file: InputFile

    init(_ path: String) throws(WeightmillError) { file = try InputFile(path) }
  }

  /// Opens a file to hash it.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - allowance: How many bytes may wait for their turn.
  /// - Throws: `noInput`, `refused`.
  init(_ path: String, allowance: Allowance) throws(WeightmillError) {
    let file = try Reopened(path)
    self.file = file
    digest = OrderedDigest(allowance: allowance, isReadable: true) {
      (position, count) throws(WeightmillError) in try file.file.bytes(at: position, count: count)
    }
  }

  func didRead(_ bytes: RawSpan, at position: Int) { digest.add(bytes, at: position) }

  /// Reads and hashes what nobody has read.
  ///
  /// - Parameter isStopped: Asked between reads: whether the result is not wanted any more.
  /// - Returns: The SHA-256 in lower-case hexadecimal, or `nil` when it was stopped.
  /// - Throws: Reading errors.
  func finish(isStopped: () -> Bool) throws(WeightmillError) -> String? {
    try digest.finish(byteCount: file.file.byteCount, isStopped: isStopped)
  }
}
