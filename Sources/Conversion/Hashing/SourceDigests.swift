import Models
internal import Synchronization
import Tensors

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
