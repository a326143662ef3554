public import WeightmillGGUF
import WeightmillTensors

/// Writes the files of a split GGUF file, honest or not.
public struct SplitFiles {
  /// What is changed in the metadata of a file, by its number from 0.
  public var change: (Int, inout GGUFMetadata) -> Void = { _, _ in }
  /// How many files there are.
  public var count = 3

  /// Describes three honest files.
  public init() {}

  /// Writes the tensors of a file to several files, about as many to each.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - folder: Where to write.
  ///   - name: What their names begin with.
  /// - Returns: The paths.
  /// - Throws: When the file cannot be read or a part not be written.
  public func write(_ path: String, to folder: TemporaryFolder, _ name: String) throws -> [String] {
    let file = try GGUFFile(path: path)
    let height = (file.tensors.count + count - 1) / count
    return try (0..<count).map { number in
      let indices = Array(file.tensors.indices.dropFirst(number * height).prefix(height))
      var metadata = number == 0 ? file.metadata : GGUFMetadata()
      metadata["split.no"] = .uint16(UInt16(number))
      metadata["split.count"] = .uint16(UInt16(count))
      metadata["split.tensors.count"] = .int32(Int32(file.tensors.count))
      change(number, &metadata)
      let layout = try GGUFLayout(
        metadata: metadata, tensors: indices.map { file.tensors[$0] }, path: path)
      var bytes =
        layout.header + [UInt8](repeating: 0, count: layout.byteCount - layout.header.count)
      for (index, position) in zip(indices, layout.positions) {
        let tensor = try file.bytes(
          rows: 0..<file.tensors[index].shape.rows, ofTensor: index)
        bytes.replaceSubrange(position..<position + tensor.count, with: tensor)
      }
      return try folder.write(bytes, to: Self.name(name, number, of: count))
    }
  }

  /// The name of a file, by its number from 0.
  public static func name(_ stem: String, _ number: Int, of count: Int) -> String {
    "\(stem)-0000\(number + 1)-of-0000\(count).gguf"
  }
}
