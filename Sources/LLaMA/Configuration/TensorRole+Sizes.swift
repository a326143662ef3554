extension TensorRole {
  /// All tensors that a model must or may have, in the order in which it uses them.
  ///
  /// - Parameter configuration: The model's architecture and sizes.
  /// - Returns: The roles in order.
  package static func all(in configuration: LlamaConfiguration) -> [TensorRole] {
    let architecture = configuration.architecture
    let factors = RopeFactors.allCases.filter(architecture.ropeFactors.contains)
    return [.tokenEmbedding] + factors.map { .ropeFactors($0) }
      + (0..<configuration.layerCount).flatMap { layer in
        architecture.layerTensors.map { .layer(layer, $0) }
      } + [.outputNorm, .output]
  }

  /// Whether a model cannot be without the tensor.
  ///
  /// - Parameter configuration: The model's architecture and sizes.
  /// - Returns: Whether it must be there.
  package func isRequired(in configuration: LlamaConfiguration) -> Bool {
    switch self {
    case .tokenEmbedding, .outputNorm: true
    case .output: !configuration.tiesEmbeddings
    case .layer(_, let tensor):
      configuration.architecture.requiredTensors.contains(tensor)
        || configuration.biases?.contains(tensor) == true
    case .ropeFactors, .rotaryFrequencies: false
    }
  }

  /// The extents the tensor must have, outermost first.
  ///
  /// - Parameter configuration: The model's sizes.
  /// - Returns: The extents.
  package func extents(in configuration: LlamaConfiguration) -> [Int] {
    switch self {
    case .tokenEmbedding, .output: [configuration.vocabularyRows, configuration.hiddenSize]
    case .outputNorm: [configuration.hiddenSize]
    case .layer(_, let tensor): tensor.extents(in: configuration)
    case .ropeFactors, .rotaryFrequencies: [configuration.rotaryDimension / 2]
    }
  }
}

extension TensorRole.LayerTensor {
  fileprivate func extents(in configuration: LlamaConfiguration) -> [Int] {
    let hidden = configuration.hiddenSize
    let (queries, keys) = (configuration.queryWidth, configuration.keyValueWidth)
    switch self {
    case .attentionNorm, .feedForwardNorm, .attentionOutputNorm, .feedForwardOutputNorm,
      .attentionOutputBias, .downBias:
      return [hidden]
    case .queryKeyValue: return [queries + 2 * keys, hidden]
    case .queryKeyValueBias: return [queries + 2 * keys]
    case .query: return [queries, hidden]
    case .queryBias: return [queries]
    case .key, .value: return [keys, hidden]
    case .keyBias, .valueBias: return [keys]
    case .queryNorm, .keyNorm:
      if configuration.architecture.normsEachHead { return [configuration.headDimension] }
      return [self == .queryNorm ? queries : keys]
    case .attentionOutput: return [hidden, queries]
    case .gateAndUp: return [2 * configuration.feedForwardSize, hidden]
    case .gate, .up: return [configuration.feedForwardSize, hidden]
    case .gateBias, .upBias: return [configuration.feedForwardSize]
    case .down: return [hidden, configuration.feedForwardSize]
    }
  }
}
