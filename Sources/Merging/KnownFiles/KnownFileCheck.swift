package import WeightmillTensors

/// Whether known files belong together.
package enum KnownFileCheck {
  /// Finds files that do not belong together, or are in the wrong place.
  ///
  /// - Parameter files: The files that were identified.
  /// - Returns: The contradictions, as errors to throw.
  package static func contradictions(_ files: [IdentifiedFile]) -> [WeightmillError] {
    let sides = [IdentifiedFile.Side.model, .base, .delta].map { side in
      files.filter { $0.side == side }
    }
    return sides.flatMap { mixed($0) + misplaced($0) + strangers($0) } + base(of: files)
  }

  private static func mismatch(
    _ file: IdentifiedFile, _ problem: String, _ remedy: String
  ) -> WeightmillError {
    WeightmillError(
      .mismatch, file.path, "is \(file.file.description), \(problem)",
      remedy: remedy + ", or merge all the same with --force-base")
  }

  /// Weight files of two models in one folder.
  private static func mixed(_ files: [IdentifiedFile]) -> [WeightmillError] {
    let weights = files.filter { $0.file.model != nil }
    guard let first = weights.first,
      let other = weights.first(where: { $0.file.model != first.file.model })
    else { return [] }
    return [
      mismatch(
        other, "but \(first.path) is \(first.file.description)", "take all files from one model")
    ]
  }

  /// Files under another's name, or on the wrong side.
  private static func misplaced(_ files: [IdentifiedFile]) -> [WeightmillError] {
    files.compactMap { file in
      if case .part(let number, _) = file.file.role, number != file.ordinal + 1 {
        return mismatch(
          file, "but takes the place of part \(file.ordinal + 1)",
          "give the file its own name, \(file.file.name)")
      }
      return switch (file.side, file.file.model?.nature) {
      case (.delta, .whole), (.delta, .merged):
        mismatch(file, "not a delta", "convert it by itself, without --delta")
      case (.base, .delta), (.model, .delta):
        mismatch(file, "not a whole model", "give it with --delta")
      case (.base, .merged):
        mismatch(file, "not a base", "convert it by itself, without --delta")
      default: nil
      }
    }
  }

  /// A vocabulary or sizes of another model than the weights beside them.
  private static func strangers(_ files: [IdentifiedFile]) -> [WeightmillError] {
    guard let weights = files.first(where: { $0.file.model != nil }),
      let model = weights.file.model
    else { return [] }
    return files.compactMap { file in
      switch file.file.role {
      case .parameters(let owner) where owner.sizes != model.sizes:
        mismatch(
          file, "but \(weights.path) is \(weights.file.description)",
          "take the params.json that came with the weights")
      // The base's vocabulary is not used.
      case .tokenizer(let vocabulary) where vocabulary != model.vocabulary && file.side != .base:
        mismatch(
          file, "but \(weights.path) is \(weights.file.description)",
          "take the tokenizer that came with the weights")
      default: nil
      }
    }
  }

  /// A base that the delta was not made for.
  private static func base(of files: [IdentifiedFile]) -> [WeightmillError] {
    for delta in files where delta.side == .delta {
      guard let owner = delta.file.model, case .delta(let bases) = owner.nature else { continue }
      for base in files where base.side == .base {
        guard let model = base.file.model, model.nature.isWhole, !bases.contains(model) else {
          continue
        }
        return [
          mismatch(
            base, "but \(delta.path) is \(delta.file.description)",
            "use the base the delta was made for: \(bases[0].rawValue)")
        ]
      }
    }
    return []
  }
}

extension KnownModel.Nature {
  fileprivate var isWhole: Bool {
    if case .whole = self { return true }
    return false
  }
}

/// An input file that is known by its SHA-256.
package struct IdentifiedFile: Sendable {
  /// The input that a file belongs to.
  package enum Side: String, Sendable {
    /// A model that nothing is merged into.
    case model
    /// The base that the delta or the adapters are added to.
    case base
    /// The delta.
    case delta
    /// One of the adapters.
    case adapter
  }

  /// The file as the user would name it.
  package let path: String
  /// The input that the file belongs to.
  package let side: Side
  /// The file's ordinal among the weight files of its side, counted from 0.
  package let ordinal: Int
  /// The published file that it is.
  package let file: KnownFile

  /// Names a file.
  ///
  /// - Parameters:
  ///   - path: The file as the user would name it.
  ///   - side: Which input it belongs to.
  ///   - ordinal: Its ordinal among the weight files of its side, counted from 0.
  ///   - file: What it is.
  package init(path: String, side: Side, ordinal: Int, file: KnownFile) {
    self.path = path
    self.side = side
    self.ordinal = ordinal
    self.file = file
  }
}
