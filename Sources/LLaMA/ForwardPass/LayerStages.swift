package import WeightmillTensors

/// A layer of a forward pass in four stages, one for each input that matrices share.
///
/// Between two stages the matrices of the next one can be exchanged: what a stage gives is the input of
/// the matrices of that name, and no stage reads those of a later one.
package enum LayerStage: Int, CaseIterable, Sendable {
  /// The input of queries, keys and values.
  case attention
  /// The input of the attention's output matrix.
  case attentionOutput
  /// The input of the gate and of what passes it.
  case feedForward
  /// The input of the feed-forward part's last matrix.
  case down

  /// The matrices that share the stage's input.
  ///
  /// - Parameters:
  ///   - layer: The layer.
  ///   - model: The model, which may have several of them as one matrix.
  /// - Returns: Those that the model has.
  package func matrices(layer: Int, of model: LlamaModel) -> [TensorRole] {
    let kinds: [TensorRole.LayerTensor] =
      switch self {
      case .attention: [.queryKeyValue, .query, .key, .value]
      case .attentionOutput: [.attentionOutput]
      case .feedForward: [.gateAndUp, .gate, .up]
      case .down: [.down]
      }
    return kinds.map { .layer(layer, $0) }.filter { model[$0] != nil }
  }
}

extension ForwardPass {
  /// What a layer has of some windows between two of its stages.
  package struct Between: Sendable {
    /// The residual stream.
    package var hidden: Activations
    /// The input of the stage's matrices.
    package var input: Activations

    /// Puts both together again.
    package init(hidden: Activations, input: Activations) {
      self.hidden = hidden
      self.input = input
    }
  }

  /// Begins a layer.
  ///
  /// - Parameters:
  ///   - layer: The layer.
  ///   - hidden: The residual stream, `[tokens, hiddenSize]`.
  /// - Returns: The stream and the input of the first stage.
  /// - Throws: Reading errors.
  package func begin(
    layer: Int, _ hidden: Activations
  ) throws(WeightmillError) -> Between {
    Between(hidden: hidden, input: try attentionInput(layer, hidden))
  }

  /// Goes on to the next stage.
  ///
  /// - Parameters:
  ///   - stage: The stage whose matrices are multiplied with.
  ///   - layer: The layer.
  ///   - state: What the stage has; becomes what the next one has. Behind the last, the input is that of
  ///     before, and of no use.
  ///   - windows: Which tokens see each other.
  /// - Throws: Reading errors, and `unsupported` for types that cannot be decoded.
  package func advance(
    _ stage: LayerStage, layer: Int, _ state: inout Between, windows: [Range<Int>]
  ) throws(WeightmillError) {
    switch stage {
    case .attention:
      var texts = windows.map { window in
        AttendedText(
          tokens: window, cache: KeyValueCache(configuration, kernels, capacity: window.count))
      }
      state.input = try attended(layer, state.input, &texts, { _, _ in }, { _, _ in })
    case .attentionOutput:
      add(try attentionAddend(layer, state.input, { _, _ in }), to: &state.hidden)
      state.input = try feedForwardInput(layer, state.hidden)
    case .feedForward:
      state.input = try gated(layer, state.input, { _, _ in }, { _, _ in })
    case .down:
      add(try feedForwardAddend(layer, state.input, { _, _ in }), to: &state.hidden)
    }
  }
}
