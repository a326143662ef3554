import WeightmillLLaMA
import WeightmillTensors

/// A text on its way through a model, and through the same model in each of some types.
///
/// Layer by layer, each matrix is quantized to each type, and the error of its products with its own inputs
/// is measured; then the model in that type goes on by what was quantized.
struct TypeErrors {
  /// What was measured.
  struct Result {
    /// For each matrix, by type, the error of its products as a share of the sum of their squares.
    var errors: [[TensorType: Double]]
    /// The divergence of the model in each type.
    var uniform: [Sensitivities.Uniform] = []
  }

  let reference: ForwardPass
  let encoder: MatrixEncoder
  let matrices: [ModelMatrix]
  let types: [TensorType]
  let text: MeasuredText
  let workers: Workers

  /// Measures.
  ///
  /// - Parameter step: Called before each layer, and before the output matrix, with its number.
  /// - Returns: The errors and divergences.
  /// - Throws: What `step` throws; `mismatch` where a model predicts no numbers; reading errors.
  func run(step: (Int) throws(WeightmillError) -> Void) throws(WeightmillError) -> Result {
    var result = Result(errors: [[TensorType: Double]](repeating: [:], count: matrices.count))
    var hidden = try reference.embed(text.tokens)
    var streams = try types.map { (type) throws(WeightmillError) in
      try embedded(in: type, beside: hidden, &result)
    }
    let layers = reference.model.configuration.layerCount
    for layer in 0..<layers {
      try step(layer)
      var inputs: [TensorRole: Activations] = [:]
      try reference.apply(layer: layer, to: &hidden, windows: text.windows) { roles, input in
        for role in roles { inputs[role] = input }
      }
      let members = matrices.indices.filter { matrices[$0].place == .layer(layer) }
      for (index, type) in types.enumerated() {
        let pass = try quantized(members, to: type, inputs, &result)
        try pass.apply(layer: layer, to: &streams[index], windows: text.windows)
      }
    }
    try step(layers)
    let own = FinalStream(pass: reference, states: try reference.normalized(hidden))
    try finish(streams, beside: own, &result)
    return result
  }

  /// The embeddings in a type.
  private func embedded(
    in type: TensorType, beside own: Activations, _ result: inout Result
  ) throws(WeightmillError) -> Activations {
    let members = matrices.indices.filter { matrices[$0].isEmbedding }
    let hidden = try quantized(members, to: type, [:], &result).embed(text.tokens)
    for index in members where matrices[index].place == .embedding(isOutput: false) {
      guard let fitting = matrices[index].fitting(type) else { continue }
      let (difference, size) = hidden.squaredDifference(from: own)
      result.errors[index][fitting] = size > 0 ? difference / size : 0
    }
    return hidden
  }

  private func finish(
    _ streams: [Activations], beside own: FinalStream, _ result: inout Result
  ) throws(WeightmillError) {
    let members = matrices.indices.filter { matrices[$0].isOutput }
    for (type, hidden) in zip(types, streams) {
      let inputs = Dictionary(
        uniqueKeysWithValues: members.map { (matrices[$0].role, own.states) })
      let pass = try quantized(members, to: type, inputs, &result)
      let states = try reference.normalized(hidden)
      let divergence = try LogitDivergence(reference: own, workers: workers)
        .of([FinalStream(pass: pass, states: states)])
      result.uniform.append(.init(type: type, divergence: divergence[0]))
    }
  }

  /// The model with some matrices quantized, and the errors of their products where inputs are given.
  private func quantized(
    _ members: [Int], to type: TensorType, _ inputs: [TensorRole: Activations],
    _ result: inout Result
  ) throws(WeightmillError) -> ForwardPass {
    var encoded: [Int: EncodedMatrix] = [:]
    var measured: [(member: Int, type: TensorType, input: Activations)] = []
    for member in members {
      let matrix = matrices[member]
      guard let fitting = matrix.fitting(type),
        let (index, made) = try encoder.encode(matrix.role, to: fitting)
      else { continue }
      encoded[index] = made
      if let input = inputs[matrix.role], result.errors[member][fitting] == nil {
        measured.append((member, fitting, input))
      }
    }
    let pass = try encoder.pass(with: encoded)
    for (member, type, input) in measured {
      let (difference, size) = try reference.productError(
        of: matrices[member].role, in: pass.model, on: input)
      result.errors[member][type] = size > 0 ? difference / size : 0
    }
    return pass
  }
}

/// Tokens in windows that see nothing of each other.
struct MeasuredText {
  /// The tokens of all windows.
  let tokens: [Int]
  /// The tokens of each window.
  let windows: [Range<Int>]

  init(_ windows: [[Int]]) {
    tokens = windows.flatMap(\.self)
    var (ranges, first): ([Range<Int>], Int) = ([], 0)
    for window in windows {
      ranges.append(first..<first + window.count)
      first += window.count
    }
    self.windows = ranges
  }
}
