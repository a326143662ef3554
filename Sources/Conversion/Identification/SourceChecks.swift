internal import Synchronization
internal import WeightmillLLaMA
internal import WeightmillMerging
package import WeightmillModels
package import WeightmillTensors

/// Requirements of the files a model is made from.
package struct SourceRequirements: Sendable {
  /// Lists of further files that are known, as `sha256sum` prints them.
  package var lists: [String] = []
  /// Whether every weight file must be a known one.
  package var requiresKnown = false
  /// The sum that the values of the merged model must have.
  package var expectedSum: Double?
  /// Whether contradictions are reported only.
  package var forcesBase = false

  /// Asks for what is asked by default.
  package init() {}
}

/// Finds out whether the files of a model are the published ones.
///
/// What is found is judged when everything has been read, before the output gets its name.
package final class SourceChecks: Sendable {
  private let requirements: SourceRequirements
  private let lists: [(path: String, list: ChecksumList)]
  private let summed: LoadedModel.Sum?
  private let location: String
  private let found = Mutex<[String]>([])

  /// Prepares the checks of a model's files.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - requirements: What is asked.
  /// - Throws: `usage` for a sum that cannot be made; the errors of the lists.
  package init(
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
  }

  /// Judges what was found.
  ///
  /// - Parameter sources: The files with their hashes; all values have been read.
  /// - Throws: `mismatch` for files that do not belong together, that must be known and are not, or
  ///   a sum that is not the one expected.
  package func judge(_ sources: [HashedSource]) throws(WeightmillError) {
    let notes = try judgedFiles(sources) + judgedSum()
    found.withLock { $0 = notes }
  }

  /// Notes for the user on what was found.
  package var notes: [String] { found.withLock { $0 } }

  private func judgedFiles(_ sources: [HashedSource]) throws(WeightmillError) -> [String] {
    var notes: [String] = []
    var identified: [IdentifiedFile] = []
    var unknown: [(path: String, hash: String)] = []
    for hashed in sources {
      guard let hash = hashed.sha256 else { continue }
      let source = hashed.source
      if let file = KnownFiles.file(sha256: hash) {
        notes.append("\(source.path) is \(file.description) (SHA-256 known)")
        identified.append(
          IdentifiedFile(path: source.path, side: source.side, ordinal: source.ordinal, file: file))
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
    guard let summed, let sum = summed.value else {
      guard requirements.expectedSum == nil else {
        throw WeightmillError(
          .usage, location, "was not read whole, so that its sum is not known",
          remedy: "leave out --expect-sum, or begin anew without --resume and --part")
      }
      return []
    }
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
  /// The file's ordinal among the weight files of its side.
  fileprivate var ordinal: Int {
    if case .weights(let ordinal) = kind { return ordinal }
    return 0
  }
}
