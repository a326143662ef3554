package import WeightmillGGUF
package import WeightmillTensors

/// A GGUF file, or all files of a split one as one catalogue, whichever of them is named.
///
/// `formats/gguf.md` section 10 has the rules, GG-12 to GG-14.
package struct GGUFShards {
  /// How many files a split model may have; each stays open.
  private static let maximumCount = 1000

  /// The tensors of all files, in order.
  package let catalogue: any Catalogue
  /// The metadata of the first file: the others hold nothing but their number.
  package let metadata: GGUFMetadata
  /// The version of the first file's format.
  package let version: Int
  /// The files, in order.
  package let files: [String]
  /// The number of tensors in each file; empty for a file that is not split.
  package let sizes: [Int]
  /// Each file by itself.
  package let parts: [any FileCatalogue]

  /// Opens a file, and the others that belong to it.
  ///
  /// - Parameter path: The file, any one of a split model's.
  /// - Throws: `noInput` when one is missing, `malformed` when they contradict each other, and the
  ///   errors of the format.
  package init(path: String) throws(WeightmillError) {
    let file = try GGUFFile(path: path)
    guard let count = try Self.count(file), count > 1 else {
      (catalogue, metadata, version, files, sizes) = (file, file.metadata, file.version, [path], [])
      self.parts = [file]
      return
    }
    guard try !file.isFollowedByAnother else {
      throw WeightmillError(
        .malformed, path, "is made of the \(count) files of a split model put together with cat",
        remedy: HelpTopic.cutFiles.after(
          "fetch the files as they are, and join them: `weightmill join FIRST-PART OUTPUT`"))
    }
    let name = try Self.name(path, file, count: count)
    var parts: [GGUFFile] = []
    for number in 1...count {
      let shard = ShardName(stem: name.stem, number: number, count: count)
      let part = number == name.number ? file : try Self.open(shard)
      try Self.check(part, is: number, of: count)
      parts.append(part)
    }
    let combined = CombinedCatalogue(parts, location: path)
    _ = try TensorIndex(combined)
    try Self.checkTotal(parts, combined.tensors.count)
    catalogue = combined
    metadata = parts[0].metadata
    version = parts[0].version
    files = parts.map(\.location)
    sizes = parts.map(\.tensors.count)
    self.parts = parts
  }

  /// How many files a file says there are; `nil` when it says nothing.
  private static func count(_ file: GGUFFile) throws(WeightmillError) -> Int? {
    guard let value = file.metadata["split.count"] else { return nil }
    guard let count = value.integer, count >= 0 else {
      throw WeightmillError(.malformed, file.location, "the key \"split.count\" is no number")
    }
    guard count <= maximumCount else {
      throw WeightmillError(
        .unsupported, file.location,
        "says it is one of \(count) files; at most \(maximumCount) are read")
    }
    return count
  }

  private static func name(
    _ path: String, _ file: GGUFFile, count: Int
  ) throws(WeightmillError) -> ShardName {
    guard let name = ShardName(path) else {
      let number = (file.metadata["split.no"]?.integer ?? 0).clamped(to: 0...count - 1) + 1
      throw WeightmillError(
        .noInput, path, "is one of \(count) files, but its name does not say where the others are",
        remedy: "name it \(ShardName(stem: "NAME", number: number, count: count).path), as it was")
    }
    guard name.count == count else {
      throw WeightmillError(
        .malformed, path, "says it is one of \(count) files, its name says one of \(name.count)",
        remedy: "give it the name that it had")
    }
    return name
  }

  private static func open(_ shard: ShardName) throws(WeightmillError) -> GGUFFile {
    guard Folder.isFolder(shard.path) != nil else {
      throw WeightmillError(
        .noInput, shard.path, "the part is missing: there are \(shard.count)",
        remedy: "fetch the missing part")
    }
    try FileKind.refusePlaceholder(shard.path)
    return try GGUFFile(path: shard.path)
  }

  private static func check(
    _ part: GGUFFile, is number: Int, of count: Int
  ) throws(WeightmillError) {
    guard part.metadata["split.count"]?.integer == count,
      part.metadata["split.no"]?.integer == number - 1
    else {
      throw WeightmillError(
        .malformed, part.location, "does not say that it is part \(number) of \(count)",
        remedy: "the files are of different models, or have been renamed: fetch them again")
    }
  }

  private static func checkTotal(_ parts: [GGUFFile], _ total: Int) throws(WeightmillError) {
    for part in parts {
      let value = part.metadata["split.tensors.count"]
      guard value?.integer == total else {
        throw WeightmillError(
          .malformed, part.location,
          value == nil
            ? "lacks the key \"split.tensors.count\""
            : "says that all parts hold \(value?.integer.map(String.init) ?? "other") tensors; "
              + "they hold \(total)",
          remedy: "the files are of different models, or damaged: fetch them again")
      }
    }
  }
}

extension Int {
  fileprivate func clamped(to range: ClosedRange<Int>) -> Int {
    Swift.min(Swift.max(self, range.lowerBound), range.upperBound)
  }
}
