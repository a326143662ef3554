/// What a tensor is for in a LLaMA model, whatever a file calls it.
public enum TensorRole: Hashable, Sendable {
  /// The embedding of each token.
  case tokenEmbedding
  /// A tensor of one layer.
  case layer(Int, LayerTensor)
  /// The gains of the norm after the last layer.
  case outputNorm
  /// The matrix that gives the logits.
  case output
  /// Rotary frequencies that some files carry; they follow from the configuration.
  case rotaryFrequencies(Int)

  /// The tensors of a layer.
  public enum LayerTensor: CaseIterable, Hashable, Sendable {
    /// The gains of the norm before attention: one for each of the hidden features.
    case attentionNorm
    /// What tokens look for: heads × head size rows, a column for each hidden feature.
    case query
    /// What tokens are found by: key-value heads × head size rows.
    case key
    /// What tokens hand over: key-value heads × head size rows.
    case value
    /// From the heads back to the hidden features.
    case attentionOutput
    /// The gains of the norm before the feed-forward part.
    case feedForwardNorm
    /// From the hidden features to those of the feed-forward part, through SiLU.
    case gate
    /// From the hidden features to those of the feed-forward part, which the gates multiply.
    case up
    /// From the features of the feed-forward part back to the hidden ones.
    case down
  }

  /// All tensors a model must have, in the order in which it uses them.
  ///
  /// - Parameter layerCount: The number of layers.
  /// - Returns: The roles in order.
  public static func all(layerCount: Int) -> [TensorRole] {
    [.tokenEmbedding]
      + (0..<layerCount).flatMap { layer in LayerTensor.allCases.map { .layer(layer, $0) } }
      + [.outputNorm, .output]
  }

  /// Whether the tensor holds the gains of a norm.
  public var isNorm: Bool {
    switch self {
    case .outputNorm, .layer(_, .attentionNorm), .layer(_, .feedForwardNorm): true
    default: false
    }
  }

  /// The extents the tensor must have, outermost first.
  ///
  /// - Parameter configuration: The model's sizes.
  /// - Returns: The extents.
  public func extents(in configuration: LlamaConfiguration) -> [Int] {
    let hidden = configuration.hiddenSize
    switch self {
    case .tokenEmbedding, .output: return [configuration.vocabularyRows, hidden]
    case .outputNorm, .layer(_, .attentionNorm), .layer(_, .feedForwardNorm): return [hidden]
    case .layer(_, .query): return [configuration.queryWidth, hidden]
    case .layer(_, .key), .layer(_, .value): return [configuration.keyValueWidth, hidden]
    case .layer(_, .attentionOutput): return [hidden, configuration.queryWidth]
    case .layer(_, .gate), .layer(_, .up): return [configuration.feedForwardSize, hidden]
    case .layer(_, .down): return [hidden, configuration.feedForwardSize]
    case .rotaryFrequencies: return [configuration.headDimension / 2]
    }
  }

  /// Whether position angles turn the rows, whose order differs between files: queries and keys.
  public var isRotated: Bool {
    switch self {
    case .layer(_, .query), .layer(_, .key): true
    default: false
    }
  }
}
