/// What a tensor is for in a model, whatever a file calls it.
package enum TensorRole: Hashable, Sendable {
  /// The embedding of each token.
  case tokenEmbedding
  /// Factors of the rotary frequencies, which follow from no configuration that GGUF holds.
  case ropeFactors(RopeFactors)
  /// A tensor of one layer.
  case layer(Int, LayerTensor)
  /// The gains of the norm after the last layer.
  case outputNorm
  /// The matrix that gives the logits.
  case output
  /// Rotary frequencies that some checkpoints carry; they follow from the configuration.
  case rotaryFrequencies(Int)

  /// Which of the factors of rotary frequencies, one for each pair of a head's values.
  package enum RopeFactors: CaseIterable, Hashable, Sendable {
    /// Those for texts of any length.
    case all
    /// Those for texts beyond the length that the model was first trained on.
    case long
    /// Those for texts up to that length.
    case short
  }

  /// The tensors of a layer, in the order in which a model uses them.
  package enum LayerTensor: CaseIterable, Hashable, Sendable {
    /// The gains of the norm before attention: one for each of the hidden features.
    case attentionNorm
    /// What tokens look for: heads × head size rows, a column for each hidden feature.
    case query
    /// What is added to the products with `query`: heads × head size values.
    case queryBias
    /// The gains of the norm of each query head: head size values.
    case queryNorm
    /// What tokens are found by: key-value heads × head size rows.
    case key
    /// What is added to the products with `key`: key-value heads × head size values.
    case keyBias
    /// The gains of the norm of each key head: head size values.
    case keyNorm
    /// What tokens hand over: key-value heads × head size rows.
    case value
    /// What is added to the products with `value`: key-value heads × head size values.
    case valueBias
    /// From the heads back to the hidden features.
    case attentionOutput
    /// What is added to the products with `attentionOutput`: a value for each hidden feature.
    case attentionOutputBias
    /// The gains of the norm before the feed-forward part.
    case feedForwardNorm
    /// From the hidden features to those of the feed-forward part, through SiLU.
    case gate
    /// What is added to the products with `gate`: a value for each feature of the feed-forward part.
    case gateBias
    /// From the hidden features to those of the feed-forward part, which the gates multiply.
    case up
    /// What is added to the products with `up`: a value for each feature of the feed-forward part.
    case upBias
    /// From the features of the feed-forward part back to the hidden ones.
    case down
    /// What is added to the products with `down`: a value for each hidden feature.
    case downBias

    /// The norms and matrices that nearly all architectures have.
    package static let usual: Set<LayerTensor> = [
      .attentionNorm, .query, .key, .value, .attentionOutput, .feedForwardNorm, .gate, .up, .down,
    ]

    /// The biases of attention: what `attention_bias` of a `config.json` speaks of.
    package static let attentionBiases: Set<LayerTensor> = [
      .queryBias, .keyBias, .valueBias, .attentionOutputBias,
    ]

    /// The biases of the feed-forward part: what `mlp_bias` of a `config.json` speaks of.
    package static let feedForwardBiases: Set<LayerTensor> = [.gateBias, .upBias, .downBias]
  }

  /// Whether the tensor holds the gains of a norm.
  package var isNorm: Bool {
    switch self {
    case .outputNorm: true
    case .layer(_, let tensor):
      switch tensor {
      case .attentionNorm, .feedForwardNorm, .queryNorm, .keyNorm: true
      default: false
      }
    default: false
    }
  }

  /// Whether position angles turn what the tensor gives, so that its order differs between files:
  /// the rows of queries and keys, and the values of what is added to them or multiplies them.
  package var isRotated: Bool {
    guard case .layer(_, let tensor) = self else { return false }
    switch tensor {
    case .query, .queryBias, .queryNorm, .key, .keyBias, .keyNorm: return true
    default: return false
    }
  }
}
