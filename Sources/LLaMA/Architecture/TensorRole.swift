/// The role of a tensor in a model, whatever a file calls it.
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

  /// A set of factors of rotary frequencies, one for each pair of a head's values.
  package enum RopeFactors: CaseIterable, Hashable, Sendable {
    /// The factors for texts of any length.
    case all
    /// The factors for texts beyond the length that the model was first trained on.
    case long
    /// The factors for texts up to that length.
    case short
  }

  /// The tensors of a layer, in the order in which a model uses them.
  package enum LayerTensor: CaseIterable, Hashable, Sendable {
    /// The gains of the norm before attention: one for each of the hidden features.
    case attentionNorm
    /// The matrices of queries, keys and values, one below the other.
    case queryKeyValue
    /// The bias of the products with `queryKeyValue`.
    case queryKeyValueBias
    /// The matrix of queries: heads × head size rows, a column for each hidden feature.
    case query
    /// The bias of the products with `query`: heads × head size values.
    case queryBias
    /// The gains of the norm of queries: head size values for each head, or those of all heads.
    case queryNorm
    /// The matrix of keys: key-value heads × head size rows.
    case key
    /// The bias of the products with `key`: key-value heads × head size values.
    case keyBias
    /// The gains of the norm of keys: head size values for each head, or those of all heads.
    case keyNorm
    /// The matrix of values: key-value heads × head size rows.
    case value
    /// The bias of the products with `value`: key-value heads × head size values.
    case valueBias
    /// The matrix from the heads back to the hidden features.
    case attentionOutput
    /// The bias of the products with `attentionOutput`: a value for each hidden feature.
    case attentionOutputBias
    /// The gains of the norm behind attention: one for each of the hidden features.
    case attentionOutputNorm
    /// The gains of the norm before the feed-forward part.
    case feedForwardNorm
    /// The matrices `gate` and `up`, one below the other.
    case gateAndUp
    /// The matrix from the hidden features to those of the feed-forward part, through an activation.
    case gate
    /// The bias of the products with `gate`: a value for each feature of the feed-forward part.
    case gateBias
    /// The matrix from hidden features to those of the feed-forward part, which the gates multiply.
    case up
    /// The bias of the products with `up`: a value for each feature of the feed-forward part.
    case upBias
    /// The matrix from the features of the feed-forward part back to the hidden ones.
    case down
    /// The bias of the products with `down`: a value for each hidden feature.
    case downBias
    /// The gains of the norm behind the feed-forward part: one for each of the hidden features.
    case feedForwardOutputNorm

    /// The norms and matrices that nearly all architectures have.
    package static let usual: Set<LayerTensor> = [
      .attentionNorm, .query, .key, .value, .attentionOutput, .feedForwardNorm, .gate, .up, .down,
    ]

    /// The norms and matrices of architectures that fuse those with the same input.
    package static let fused: Set<LayerTensor> = [
      .attentionNorm, .queryKeyValue, .attentionOutput, .feedForwardNorm, .gateAndUp, .down,
    ]

    /// The biases of attention: what `attention_bias` of a `config.json` speaks of.
    package static let attentionBiases: Set<LayerTensor> = [
      .queryBias, .keyBias, .valueBias, .attentionOutputBias,
    ]

    /// The biases of the feed-forward part: what `mlp_bias` of a `config.json` speaks of.
    package static let feedForwardBiases: Set<LayerTensor> = [.gateBias, .upBias, .downBias]

    /// The biases of queries, keys and values.
    package static let inputBiases: Set<LayerTensor> = [.queryBias, .keyBias, .valueBias]

    /// The biases of separate matrices, all of them.
    package static let biases = attentionBiases.union(feedForwardBiases)

    /// The bias of a matrix, if it is one that may have a bias.
    package var bias: LayerTensor? {
      switch self {
      case .queryKeyValue: .queryKeyValueBias
      case .query: .queryBias
      case .key: .keyBias
      case .value: .valueBias
      case .attentionOutput: .attentionOutputBias
      case .gate: .gateBias
      case .up: .upBias
      case .down: .downBias
      default: nil
      }
    }
  }

  /// Whether the tensor holds the gains of a norm.
  package var isNorm: Bool {
    switch self {
    case .outputNorm: true
    case .layer(_, let tensor):
      switch tensor {
      case .attentionNorm, .feedForwardNorm, .queryNorm, .keyNorm, .attentionOutputNorm,
        .feedForwardOutputNorm:
        true
      default: false
      }
    default: false
    }
  }

  /// Whether the tensor is added to products.
  package var isBias: Bool {
    if case .layer(_, let tensor) = self {
      tensor == .queryKeyValueBias || TensorRole.LayerTensor.biases.contains(tensor)
    } else {
      false
    }
  }

  /// Whether the tensor holds factors of rotary frequencies.
  package var isRopeFactors: Bool { if case .ropeFactors = self { true } else { false } }

  /// Whether the tensor is one row, which files hold in F32 whatever the matrices are.
  package var isVector: Bool { isNorm || isBias || isRopeFactors }

  /// Whether position angles turn what the tensor gives, so that its order differs between files:
  /// the rows of queries and keys, and the values of what is added to them or multiplies them. Where
  /// they are fused, one order of rows is the only one.
  package var isRotated: Bool {
    guard case .layer(_, let tensor) = self else { return false }
    switch tensor {
    case .query, .queryBias, .queryNorm, .key, .keyBias, .keyNorm: return true
    default: return false
    }
  }
}
