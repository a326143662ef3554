package import WeightmillGGUF
import WeightmillOutput
package import WeightmillTensors

/// A GGUF file whose metadata is shown or changed.
package struct MetadataFile {
  /// The path.
  package let path: String
  /// The file.
  package let file: GGUFFile
  /// Remarks for the user.
  package private(set) var notes: [String] = []

  /// Opens a file, after mending what an interrupted change of its header left.
  ///
  /// - Parameter path: The file.
  /// - Throws: What reading and mending throws.
  package init(_ path: String) throws(WeightmillError) {
    self.path = path
    switch try RangeReplacement.mend(path, backup: HeaderBackup.path(of: path)) {
    case nil: break
    case .undone?:
      notes.append("a change of this file's header was interrupted, and has been undone")
    case .wasComplete?:
      notes.append("a change of this file's header was interrupted, but it had been complete")
    }
    file = try GGUFFile(path: path)
    if isLaterPart {
      notes.append(
        "this is a later part of a split file; the metadata of the model is in \(firstPart ?? "the first")"
      )
    }
  }

  private var splitCount: Int { file.metadata["split.count"]?.integer ?? 0 }

  /// Whether it is one of several files.
  package var isPart: Bool { splitCount > 1 }

  private var isLaterPart: Bool { isPart && file.metadata["split.no"]?.integer != 0 }

  private var firstPart: String? {
    ShardName(path).map { ShardName(stem: $0.stem, number: 1, count: $0.count).path }
  }

  /// The value of a key, or of an element of its array.
  ///
  /// - Parameter name: The key, or `KEY[INDEX]`.
  /// - Returns: The value.
  /// - Throws: `noInput` when there is none.
  package func value(of name: String) throws(WeightmillError) -> GGUFValue {
    if let value = file.metadata[name] { return value }
    if let element = ArrayElement(name, in: file.metadata),
      let values = file.metadata[element.key]?.array, values.indices.contains(element.index)
    {
      return values[element.index]
    }
    throw WeightmillError(
      .noInput, path, "has no key \(quoted(name))",
      remedy: "`weightmill metadata` shows the keys there are")
  }

  /// The problems there are.
  package var problems: [MetadataRules.Problem] {
    MetadataRules.problems(file.metadata, file.tensors)
  }

  /// Plans changes.
  ///
  /// - Parameters:
  ///   - edits: The changes.
  ///   - output: The file that is written instead of changing this one.
  ///   - overwrites: Whether `output` may be replaced, or without one this file by a new one.
  ///   - allowsProblems: Whether metadata that llama.cpp refuses is written, too.
  /// - Returns: The plan.
  /// - Throws: `usage`, `noInput`, `unsupported`, and `mismatch` for values that llama.cpp would refuse.
  package func plan(
    _ edits: [MetadataEdit], output: String?, overwrites: Bool, allowsProblems: Bool
  ) throws(WeightmillError) -> MetadataPlan {
    if isLaterPart {
      throw WeightmillError(
        .unsupported, path, "is a later part of a split file, without the model's metadata",
        remedy: firstPart.map { "change \($0)" } ?? "change the first part")
    }
    if isPart, output != nil {
      throw WeightmillError(
        .unsupported, path, "is a part of a split file, which belongs to the others by its name",
        remedy: "leave out --output, or put the parts together by `weightmill join` first")
    }
    let edited = try EditedMetadata(edits, to: file.metadata, path: path)
    var notes = edited.notes
    let before = Set(problems)
    for problem in MetadataRules.problems(edited.metadata, file.tensors) {
      guard !before.contains(problem), !allowsProblems else {
        notes.append("\(problem.key) \(problem.text)")
        continue
      }
      throw WeightmillError(
        .mismatch, path, "\(problem.key) \(problem.text)",
        remedy: "change what belongs to it in the same command, or give --allow-problems")
    }
    return try MetadataPlan(
      self, edited, output: output, overwrites: overwrites, notes: notes)
  }
}
