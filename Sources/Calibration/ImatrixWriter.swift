import WeightmillGGUF
import WeightmillModels
import WeightmillOutput
public import WeightmillQuantization
public import WeightmillTensors

/// Writes importance matrices in the GGUF form; `formats/imatrix.md` describes it.
public enum ImatrixWriter {
  /// Refuses an output that cannot be, or must not be, written; `write` does the same.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - overwrite: Whether what is there may be replaced.
  ///   - inputs: Files that are read: the output must be none of them.
  /// - Throws: `cannotWrite` or `usage`.
  package static func checkOutput(
    _ path: String, overwrite: Bool, inputs: [String]
  ) throws(WeightmillError) {
    try OutputFile.check(path, overwrite: overwrite, inputs: inputs)
  }

  /// Writes the GGUF form, byte for byte as llama-imatrix does; it appears under its name when it is
  /// complete.
  ///
  /// - Parameters:
  ///   - matrix: What to write.
  ///   - path: The file.
  ///   - overwrite: Whether what is there may be replaced.
  ///   - inputs: Files that are read: the output must be none of them.
  ///   - cancellation: A way to stop it.
  /// - Returns: The size of the file.
  /// - Throws: `cannotWrite`, `inputOutput`, `interrupted`; `unsupported` for names, numbers of
  ///   chunks and sizes that the format cannot hold.
  @discardableResult
  public static func write(
    _ matrix: ImportanceMatrix, to path: String, overwrite: Bool, inputs: [String] = [],
    cancellation: Cancellation = Cancellation()
  ) throws(WeightmillError) -> Int {
    let content = try ImatrixContent(matrix, path: path)
    let output = try OutputFile(path, overwrite: overwrite, inputs: inputs)
    let target = try output.begin(nil, byteCount: content.layout.byteCount)
    let header = content.layout.header
    try target.write(header, count: header.count, at: 0)
    for (values, position) in zip(content.values, content.layout.positions) {
      try cancellation.check(path)
      let bytes = ImatrixValues.encode(values)
      try target.write(bytes, count: bytes.count, at: position)
    }
    try output.commit(cancellation)
    return content.layout.byteCount
  }
}

/// The tensors of an importance matrix in the order of the file, and their values.
private struct ImatrixContent {
  let layout: GGUFLayout
  let values: [[Float]]

  init(_ matrix: ImportanceMatrix, path: String) throws(WeightmillError) {
    guard let chunks = UInt32(exactly: matrix.chunkCount),
      let size = UInt32(exactly: matrix.chunkSize)
    else {
      throw WeightmillError(
        .unsupported, path, "cannot say that it was made from \(matrix.chunkCount) chunks")
    }
    var metadata = GGUFMetadata()
    metadata[ImatrixKey.type] = .string(ImatrixKey.typeValue)
    metadata[ImatrixKey.datasets] = .strings(matrix.datasets)
    metadata[ImatrixKey.chunkCount] = .uint32(chunks)
    metadata[ImatrixKey.chunkSize] = .uint32(size)
    var tensors: [TensorDescriptor] = []
    var values: [[Float]] = []
    for name in matrix.names {
      guard let entry = matrix.entries[name] else { continue }
      // ggml leaves out outer extents of one.
      let stack = entry.counts.count > 1 ? [entry.counts.count] : []
      for (suffix, extents, content) in [
        (ImatrixKey.sums, stack + [entry.columns], entry.sums),
        (ImatrixKey.counts, stack + [1], entry.counts),
        (ImatrixKey.inputSums, stack + [entry.columns], entry.inputSums),
      ] {
        guard let content, let shape = TensorShape(extents) else { continue }
        tensors.append(TensorDescriptor(name: name.text + suffix, type: .f32, shape: shape))
        values.append(content)
      }
    }
    self.values = values
    layout = try GGUFLayout(metadata: metadata, tensors: tensors, path: path)
  }
}
