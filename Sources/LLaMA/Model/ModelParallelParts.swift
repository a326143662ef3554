package import WeightmillTensors

/// Meta's cuts of tensors for its model-parallel files.
///
/// Source: the `ParallelEmbedding`, `ColumnParallelLinear` and `RowParallelLinear` layers of Meta's
/// LLaMA; section 3.2 of `formats/meta-llama.md`.
package enum ModelParallelParts {
  /// Checks that the parts are all there, and each there once, before they are joined.
  ///
  /// - Parameters:
  ///   - parts: The parts in order.
  ///   - folder: The folder they lie in, for messages.
  ///   - dimension: The width of the model, if `params.json` says it.
  /// - Throws: `noInput` when parts are missing, `mismatch` when one repeats another.
  package static func check(
    _ parts: [any Catalogue], folder: String, dimension: Int?
  ) throws(WeightmillError) {
    let name = NamingScheme.meta.name(of: .layer(0, .query), in: .llama)
    var firstRows: [[UInt8]] = []
    for part in parts {
      guard let index = part.tensors.firstIndex(where: { $0.name == name }) else { return }
      let tensor = part.tensors[index]
      guard tensor.shape.rows > 0, tensor.bytesPerRow <= 1 << 24 else { return }
      if let dimension, dimension % tensor.shape.rows == 0,
        dimension / tensor.shape.rows > parts.count
      {
        throw WeightmillError(
          .noInput, folder,
          "holds \(parts.count) of \(dimension / tensor.shape.rows) parts of the model",
          remedy: "fetch the missing consolidated.NN.pth files")
      }
      firstRows.append(try part.bytes(rows: 0..<1, ofTensor: index))
    }
    try checkNorms(parts)
    for (index, row) in firstRows.enumerated() {
      if let other = firstRows[..<index].firstIndex(of: row) {
        throw WeightmillError(
          .mismatch, parts[index].location, "holds the same weights as \(parts[other].location)",
          remedy: "each part must be there once: fetch this one again")
      }
    }
  }

  /// Each part holds all norms, which are the same in parts of one model.
  private static func checkNorms(_ parts: [any Catalogue]) throws(WeightmillError) {
    guard let first = parts.first else { return }
    for (index, tensor) in first.tensors.enumerated() {
      guard NamingScheme.meta.role(of: tensor.name, in: .llama)?.isNorm == true,
        tensor.byteCount <= 1 << 24
      else { continue }
      let expected = try first.bytes(rows: 0..<tensor.shape.rows, ofTensor: index)
      for part in parts.dropFirst() {
        guard let other = part.tensors.firstIndex(where: { $0.name == tensor.name }),
          part.tensors[other] == tensor
        else { continue }  // joining names what is missing or differs in shape
        guard try part.bytes(rows: 0..<tensor.shape.rows, ofTensor: other) == expected else {
          throw WeightmillError(
            .mismatch, part.location,
            "holds another \(quoted(tensor.name)) than \(first.location): they are of two models",
            remedy: "take all parts from the same model")
        }
      }
    }
  }

  /// The joins that undo the cuts of the parts' tensors.
  ///
  /// LLaMA 1 and 2 cut the embeddings by columns, LLaMA 3 by rows: there a part has rows as wide as
  /// the norms, which every part holds whole.
  ///
  /// - Parameter part: One of the parts.
  /// - Returns: For a tensor of the part, how it is joined.
  package static func joins(
    _ part: any Catalogue
  ) -> (TensorDescriptor) -> JoinedCatalogue.Join {
    let norm = NamingScheme.meta.name(of: .outputNorm, in: .llama)
    let width = part.tensors.first { $0.name == norm }?.shape.count
    return { tensor in
      switch NamingScheme.meta.role(of: tensor.name, in: .llama) {
      case .tokenEmbedding: tensor.shape.columns == width ? .rows : .columns
      case .layer(_, .attentionOutput), .layer(_, .down): .columns
      case .output, .layer(_, .query), .layer(_, .key), .layer(_, .value), .layer(_, .gate),
        .layer(_, .up):
        .rows
      default: .replicated
      }
    }
  }
}
