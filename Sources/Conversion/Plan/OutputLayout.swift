import SystemPackage
import WeightmillGGUF
import WeightmillTensors

/// The position of every byte of an output: its files, and the tensors in them.
public struct OutputLayout: Sendable {
  /// One file.
  public struct File: Sendable {
    /// The file's name in the output's folder; `nil` for an output that is this one file.
    public let name: String?
    /// The bytes before the tensors, or all of a file that holds none.
    package let header: [UInt8]
    /// The tensors in it: their indices in the plan's items, and the byte at which each begins.
    package let tensors: [(item: Int, position: Int)]
    /// The file's size in bytes.
    public let byteCount: Int

    /// A file of tensors.
    init(
      name: String?, header: [UInt8], tensors: [(item: Int, position: Int)], byteCount: Int
    ) {
      self.name = name
      self.header = header
      self.tensors = tensors
      self.byteCount = byteCount
    }

    /// A file without tensors.
    init(name: String, content: [UInt8]) {
      self.init(name: name, header: content, tensors: [], byteCount: content.count)
    }
  }

  /// The files in the order in which they are written and get their names.
  public let files: [File]

  /// The size of all files together.
  public var byteCount: Int { files.reduce(0) { $0 + $1.byteCount } }

  /// The files that are written.
  ///
  /// - Parameter part: The number of the only one, from 1; `nil` for all.
  /// - Returns: The files; none for a number that no file has.
  package func files(part: Int?) -> [File] {
    guard let part else { return files }
    return files.indices.contains(part - 1) ? [files[part - 1]] : []
  }
}

/// The files of a split GGUF file that is to be written.
struct GGUFShardLayout {
  /// What the first file says besides its number.
  let metadata: GGUFMetadata
  /// The number of files.
  let count: Int

  /// Lays out the files.
  ///
  /// - Parameters:
  ///   - items: The tensors, each with the number of its file.
  ///   - path: The output: `x.gguf`, or the name of one of its files, gives `x-00001-of-00003.gguf`.
  /// - Returns: The layout.
  /// - Throws: `unsupported` when GGUF cannot hold a tensor.
  func layout(
    _ items: [ConversionPlan.Item], path: String
  ) throws(WeightmillError) -> OutputLayout {
    var name = FilePath(path).lastComponent?.string ?? path
    if let shard = ShardName(name) { name = shard.stem }
    if name.lowercased().hasSuffix(".gguf") { name.removeLast(5) }
    var files: [OutputLayout.File] = []
    for number in 0..<count {
      let indices = items.indices.filter { items[$0].shard == number }
      var metadata = number == 0 ? metadata : GGUFMetadata()
      metadata["split.no"] = .uint16(UInt16(clamping: number))
      metadata["split.count"] = .uint16(UInt16(clamping: count))
      metadata["split.tensors.count"] = .int32(Int32(clamping: items.count))
      let layout = try GGUFLayout(
        metadata: metadata, tensors: indices.map { items[$0].tensor }, path: path)
      files.append(
        OutputLayout.File(
          name: ShardName(stem: name, number: number + 1, count: count).path,
          header: layout.header, tensors: zip(indices, layout.positions).map { ($0, $1) },
          byteCount: layout.byteCount))
    }
    return OutputLayout(files: files)
  }
}
