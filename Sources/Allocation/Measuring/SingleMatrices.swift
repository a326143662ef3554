import WeightmillLLaMA
import WeightmillTensors

/// A text on its way through models in which one matrix each is quantized, side by side.
///
/// Up to its matrix a stream is the model's own; behind it, all are multiplied with the same weights.
struct SingleMatrices {
  let reference: ForwardPass
  let encoder: MatrixEncoder
  let text: MeasuredText
  let workers: Workers

  /// Measures the divergence that each of some matrices makes alone.
  ///
  /// - Parameters:
  ///   - members: The matrices and the types they get.
  ///   - step: Called before each layer, and before the output matrix, with its number.
  /// - Returns: For each the mean divergence, in nats.
  /// - Throws: What `step` throws; `mismatch` where a model predicts no numbers; reading errors.
  func divergences(
    _ members: [(matrix: ModelMatrix, type: TensorType)],
    step: (Int) throws(WeightmillError) -> Void
  ) throws(WeightmillError) -> [Double] {
    let layers = reference.model.configuration.layerCount
    var hidden = try reference.embed(text.tokens)
    var streams = [Activations?](repeating: nil, count: members.count)
    for (index, member) in members.enumerated() where member.matrix.isEmbedding {
      streams[index] = try pass(with: member).embed(text.tokens)
    }
    for layer in 0..<layers {
      try step(layer)
      for (index, member) in members.enumerated() {
        if var stream = streams[index] {
          // Nothing else holds it while it is changed in place.
          streams[index] = nil
          try reference.apply(layer: layer, to: &stream, windows: text.windows)
          streams[index] = stream
        } else if member.matrix.place == .layer(layer) {
          var stream = hidden
          try pass(with: member).apply(layer: layer, to: &stream, windows: text.windows)
          streams[index] = stream
        }
      }
      try reference.apply(layer: layer, to: &hidden, windows: text.windows)
    }
    try step(layers)
    let own = FinalStream(pass: reference, states: try reference.normalized(hidden))
    var divergences: [Double] = []
    for (index, member) in members.enumerated() {
      let pass = member.matrix.isOutput ? try pass(with: member) : reference
      let states = try streams[index].map { (stream) throws(WeightmillError) in
        try reference.normalized(stream)
      }
      divergences += try LogitDivergence(reference: own, workers: workers)
        .of([FinalStream(pass: pass, states: states ?? own.states)])
    }
    return divergences
  }

  private func pass(
    with member: (matrix: ModelMatrix, type: TensorType)
  ) throws(WeightmillError) -> ForwardPass {
    let made = try encoder.encode(member.matrix.role, to: member.type)
    return try encoder.pass(with: made.map { [$0.index: $0.matrix] } ?? [:])
  }
}
