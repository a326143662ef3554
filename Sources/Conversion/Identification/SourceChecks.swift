internal import Dispatch
internal import LLaMA
internal import Merging
internal import Synchronization
public import Tensors

/// What is asked of the files a model is made from.
public struct SourceRequirements: Sendable {
  /// Lists of further files that are known, as `sha256sum` prints them.
  public var lists: [String] = []
  /// Whether every weight file must be a known one.
  public var requiresKnown = false
  /// Whether weight files are hashed at all.
  public var hashes = true
  /// What the values of the merged model must add up to.
  public var expectedSum: Double?
  /// Whether contradictions are reported only.
  public var forcesBase = false

  /// Asks for what is asked by default.
  public init() {}
}

/// Finds out, while a model is converted, whether its files are the published ones.
///
/// Weight files are hashed one after the other on a thread of their own: they are being read at the
/// same time, so that most of the second reading comes from memory. What is found is judged when
/// everything has been read, before the output gets its name.
public final class SourceChecks: Sendable {
  private let requirements: SourceRequirements
  private let lists: [(path: String, list: ChecksumList)]
  private let summed: LoadedModel.Sum?
  private let location: String
  /// The small files and the weight files that are hashed.
  private let sources: [SourceFile]
  private let hashes: Mutex<[String?]>
  private let failure = Mutex<WeightmillError?>(nil)
  private let next = Atomic<Int>(0)
  private let isStopped = Atomic<Bool>(false)
  private let background = DispatchGroup()
  private let found = Mutex<[String]>([])

  /// Prepares the checks of a model's files.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - requirements: What is asked.
  /// - Throws: `usage` for a sum that cannot be made; the errors of the lists.
  public init(
    _ model: LoadedModel, _ requirements: SourceRequirements
  ) throws(WeightmillError) {
    self.requirements = requirements
    location = model.llama.catalogue.location
    summed = model.sum
    guard requirements.expectedSum == nil || summed != nil else {
      throw WeightmillError(
        .usage, location, "is not added in F32, so that no sum of its values was published",
        remedy: "leave out --expect-sum")
    }
    var lists: [(path: String, list: ChecksumList)] = []
    for path in requirements.lists { lists.append((path, try ChecksumList(path: path))) }
    self.lists = lists
    let hashesAll = requirements.requiresKnown || !lists.isEmpty
    sources = model.sources.filter { source in
      if case .small = source.kind { return true }
      return requirements.hashes && (hashesAll || source.mayBeKnown)
    }
    hashes = Mutex([String?](repeating: nil, count: sources.count))
  }

  /// Begins to hash on a thread of its own.
  ///
  /// - Parameter cancellation: A way to stop.
  public func start(_ cancellation: Cancellation) {
    // A queue with a label has a thread beside those that convert.
    DispatchQueue(label: "weightmill.hashing").async(group: background) {
      self.hashFiles(cancellation)
    }
  }

  /// Stops hashing; nothing more is wanted.
  public func stop() { isStopped.store(true, ordering: .relaxed) }

  /// Hashes files until none is left.
  private func hashFiles(_ cancellation: Cancellation) {
    while true {
      let place = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard place < sources.count else { return }
      do throws(WeightmillError) {
        let hash = try FileDigest.sha256(sources[place].path) {
          isStopped.load(ordering: .relaxed) || cancellation.isCancelled
        }
        hashes.withLock { $0[place] = hash }
      } catch {
        failure.withLock { $0 = $0 ?? error }
        return stop()
      }
    }
  }

  /// Waits until everything is hashed, and judges what was found.
  ///
  /// - Parameters:
  ///   - workers: The threads, which help with what is left.
  ///   - cancellation: A way to stop.
  /// - Throws: `mismatch` for files that do not belong together, that must be known and are not, or
  ///   a sum that is not the one expected; `interrupted`; reading errors.
  public func finish(
    workers: Workers, cancellation: Cancellation
  ) throws(WeightmillError) {
    try workers.forEach(workers.threads, scratch: {}) { (_, _) in hashFiles(cancellation) }
    background.wait()
    if let error = failure.withLock({ $0 }) { throw error }
    guard !cancellation.isCancelled, !isStopped.load(ordering: .relaxed) else {
      throw WeightmillError(.interrupted, location, "was not finished: interrupted")
    }
    let notes = try judgedFiles() + judgedSum()
    found.withLock { $0 = notes }
  }

  /// What was found, for the user.
  public var notes: [String] { found.withLock { $0 } }

  private func judgedFiles() throws(WeightmillError) -> [String] {
    let hashes = hashes.withLock { $0 }
    var notes: [String] = []
    var identified: [IdentifiedFile] = []
    var unknown: [(path: String, hash: String)] = []
    for (source, hash) in zip(sources, hashes) {
      guard let hash else { continue }
      if let file = KnownFiles.file(sha256: hash) {
        notes.append("\(source.path) is \(file.description) (SHA-256 known)")
        identified.append(
          IdentifiedFile(path: source.path, side: source.side, place: source.place, file: file))
      } else if let (list, name) = listed(hash) {
        notes.append("\(source.path) is \(quoted(name)) of \(list) (SHA-256 listed)")
      } else if case .weights = source.kind {
        unknown.append((source.path, hash))
      }
    }
    if requirements.requiresKnown, let first = unknown.first {
      let more = unknown.count > 1 ? ", nor are \(unknown.count - 1) more" : ""
      throw WeightmillError(
        .mismatch, first.path, "is not a known file\(more)", at: "SHA-256 \(first.hash)",
        remedy: "fetch it again, or give a list that has it with --known")
    }
    return notes + (try reported(KnownFileCheck.contradictions(identified)))
  }

  private func listed(_ hash: String) -> (list: String, name: String)? {
    for (path, list) in lists {
      if let name = list[hash] { return (path, name) }
    }
    return nil
  }

  private func judgedSum() throws(WeightmillError) -> [String] {
    guard let summed, let sum = summed.value else { return [] }
    let note = PublishedSum.note(sum, summed.kind, summed.configuration)
    guard let expected = requirements.expectedSum else { return [note] }
    guard sum.agrees(with: expected) else {
      return try [note]
        + reported([
          WeightmillError(
            .mismatch, location,
            "adds up to \(PublishedSum.decimal(Double(sum.value))), not to "
              + PublishedSum.decimal(expected),
            remedy:
              "use the base the delta was made for, not one that passed through BF16, or merge "
              + "all the same with --force-base")
        ])
    }
    return [note, "the values add up to \(PublishedSum.decimal(expected)), as expected"]
  }

  /// Contradictions as notes, where the user forces the merge.
  private func reported(_ errors: [WeightmillError]) throws(WeightmillError) -> [String] {
    if let first = errors.first, !requirements.forcesBase { throw first }
    return errors.map { "merged all the same: \($0.file) \($0.problem)" }
  }
}

extension SourceFile {
  /// Its place among the weight files of its side.
  fileprivate var place: Int {
    if case .weights(let place) = kind { return place }
    return 0
  }
}
