import WeightmillLLaMA
package import WeightmillQuantization
package import WeightmillTensors

extension ImportanceMatrix {
  /// An importance matrix of several, which were learned from different texts, and what is odd about it.
  package struct Joined: Sendable {
    /// The matrix: sums and counts of all.
    package let matrix: ImportanceMatrix
    /// Remarks for the user.
    package let notes: [String]
  }

  /// Joins matrices: sums, counts and chunks add.
  ///
  /// Sums are added in binary64, one matrix after the other, and rounded to binary32 once. Up to that rounding
  /// they are exact where the largest is less than 2^29 times the smallest that is not 0, as the sums
  /// of one column over texts are; the order of the matrices changes nothing then.
  ///
  /// - Parameter parts: The matrices, and the files they come from.
  /// - Returns: The matrix of all.
  /// - Throws: `mismatch` when they are of different models, or not of one form; `unsupported` for sums that are
  ///   too large.
  package static func joined(
    _ parts: [(matrix: ImportanceMatrix, path: String)]
  ) throws(WeightmillError) -> Joined {
    try checkForms(parts)
    var sums: [TensorName: JoinedEntry] = [:]
    for (matrix, path) in parts {
      for name in matrix.names {
        guard let entry = matrix.entries[name] else { continue }
        guard sums[name] != nil else {
          sums[name] = JoinedEntry(entry)
          continue
        }
        guard sums[name]?.add(entry) == true else {
          throw WeightmillError(
            .mismatch, path,
            "has \(entry.sums.count) sums for \(quoted(name.text)), the files before have another number",
            remedy: "join files of the same model")
        }
      }
    }
    var entries: [TensorName: Entry] = [:]
    for (name, joined) in sums {
      guard let entry = joined.entry else {
        throw WeightmillError(
          .unsupported, parts[0].path, "and the others add up to more than a file can hold",
          at: "tensor \(name.text)", remedy: "join fewer files")
      }
      entries[name] = entry
    }
    return Joined(
      matrix: ImportanceMatrix(
        entries: entries, datasets: parts.flatMap(\.matrix.datasets),
        chunkCount: parts.reduce(0) { $0 + $1.matrix.chunkCount },
        chunkSize: parts.first?.matrix.chunkSize ?? 0),
      notes: notes(parts, sums))
  }

  /// The old form counts chunks, the new one tokens: their sums have different weights.
  private static func checkForms(
    _ parts: [(matrix: ImportanceMatrix, path: String)]
  ) throws(WeightmillError) {
    guard let old = parts.first(where: { $0.matrix.chunkSize == 0 }),
      let new = parts.first(where: { $0.matrix.chunkSize != 0 })
    else { return }
    throw WeightmillError(
      .mismatch, old.path,
      "does not say how many tokens a chunk had, so that its sums cannot be added to those of \(new.path)",
      remedy: "compute it anew with `weightmill imatrix`, or join files of the old form only")
  }

  private static func notes(
    _ parts: [(matrix: ImportanceMatrix, path: String)], _ sums: [TensorName: JoinedEntry]
  ) -> [String] {
    var notes: [String] = []
    let sizes = Set(parts.map(\.matrix.chunkSize)).sorted()
    if sizes.count > 1 {
      notes.append(
        "the chunks have \(sizes.map(String.init).joined(separator: ", ")) tokens; the file says "
          + "\(parts[0].matrix.chunkSize)")
    }
    func list(_ names: [String], _ problem: String) {
      guard !names.isEmpty else { return }
      notes.append("\(problem): \(TensorFault.summary(names.sorted().map { TensorFault($0, "") }))")
    }
    list(
      sums.filter { $0.value.files < parts.count }.map(\.key.text),
      "some of the files have nothing for these, which count less")
    list(
      sums.filter { $0.value.losesMeans }.map(\.key.text),
      "left out the sums of inputs, which not all files have, of")
    return notes
  }
}

/// The sums of an entry over several files.
private struct JoinedEntry {
  private var sums: [Double]
  private var counts: [Double]
  private var inputSums: [Double]?
  /// Whether some files had sums of inputs, but not all.
  private(set) var losesMeans = false
  /// In how many files it was.
  private(set) var files = 1

  init(_ entry: ImportanceMatrix.Entry) {
    sums = entry.sums.map(Double.init)
    counts = entry.counts.map(Double.init)
    inputSums = entry.inputSums.map { $0.map(Double.init) }
  }

  /// Adds an entry; `false` if it has another number of sums.
  mutating func add(_ entry: ImportanceMatrix.Entry) -> Bool {
    // Old files have one count for all experts.
    let most = max(counts.count, entry.counts.count)
    guard entry.sums.count == sums.count,
      [counts.count, entry.counts.count].allSatisfy({ $0 == most || $0 == 1 })
    else { return false }
    if counts.count < most { counts = [Double](repeating: counts[0], count: most) }
    for index in counts.indices {
      counts[index] += Double(entry.counts[entry.counts.count == 1 ? 0 : index])
    }
    for (index, sum) in entry.sums.enumerated() { sums[index] += Double(sum) }
    if let others = entry.inputSums, inputSums != nil {
      for (index, sum) in others.enumerated() { inputSums?[index] += Double(sum) }
    } else {
      losesMeans = losesMeans || inputSums != nil || entry.inputSums != nil
      inputSums = nil
    }
    files += 1
    return true
  }

  /// The sums as files hold them; `nil` for sums that they cannot.
  var entry: ImportanceMatrix.Entry? {
    let rounded = sums.map { Float($0) }
    guard rounded.allSatisfy(\.isFinite) else { return nil }
    return ImportanceMatrix.Entry(
      sums: rounded, counts: counts.map { Float($0) },
      inputSums: inputSums.map { $0.map { Float($0) } })
  }
}
