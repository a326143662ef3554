public import Tensors

/// How Meta cut the tensors of its model-parallel files.
///
/// Source: the `ParallelEmbedding`, `ColumnParallelLinear` and `RowParallelLinear` layers of Meta's
/// LLaMA; section 3.2 of `formats/meta-llama.md`.
public enum ModelParallelParts {
  /// How a tensor of this name was cut in LLaMA 1 and 2.
  ///
  /// - Parameter tensor: The tensor in the first part.
  /// - Returns: How the parts are joined.
  public static func join(_ tensor: TensorDescriptor) -> JoinedCatalogue.Join {
    switch NamingScheme.meta.role(of: tensor.name) {
    case .tokenEmbedding, .layer(_, .attentionOutput), .layer(_, .down): .columns
    case .output, .layer(_, .query), .layer(_, .key), .layer(_, .value), .layer(_, .gate),
      .layer(_, .up):
      .rows
    default: .replicated
    }
  }
}
