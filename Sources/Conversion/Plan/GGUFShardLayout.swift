import SystemPackage
import WeightmillGGUF
import WeightmillTensors

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
