package import WeightmillLLaMA

/// A kind of architecture, as a small model of one layer: biases, norms of heads and behind parts, fused matrices,
/// scales.
package struct SmallFamily: CustomStringConvertible, Sendable {
  package let architecture: Architecture
  var fields: [String: String] = [:]
  var biases: Set<TensorRole.LayerTensor> = []
  /// How many matrices of the layer there are.
  package var matrices = 7

  package var description: String { architecture.huggingFaceType }

  /// The model.
  package var model: SmallModel {
    var small = SmallModel()
    small.architecture = architecture
    small.fields = fields
    small.biases = biases
    small.head = 32
    return small
  }

  /// One of each kind.
  package static let all = [
    SmallFamily(
      architecture: .llama, fields: ["attention_bias": "true", "mlp_bias": "true"],
      biases: TensorRole.LayerTensor.biases),
    SmallFamily(architecture: .qwen2),
    SmallFamily(architecture: .qwen3),
    SmallFamily(
      architecture: .granite,
      fields: [
        "embedding_multiplier": "12.0", "residual_multiplier": "0.22", "logits_scaling": "8.0",
        "attention_multiplier": "0.0078125",
      ]),
    SmallFamily(architecture: .olmo2),
    SmallFamily(architecture: .gemma),
    SmallFamily(
      architecture: .gemma2, fields: ["query_pre_attn_scalar": "32", "sliding_window": "64"]),
    SmallFamily(architecture: .gemma3, fields: ["sliding_window": "null"]),
    SmallFamily(architecture: .phi3, fields: ["sliding_window": "null"], matrices: 4),
  ]
}
