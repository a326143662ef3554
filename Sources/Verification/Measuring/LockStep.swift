import WeightmillLLaMA
import WeightmillTensors

/// Runs two models over the same tokens, layer by layer, and sums up where they part.
///
/// Both see one layer's weights at a time. What a tensor adds to its own output is measured on
/// some tokens of each pass, which are spread evenly.
struct LockStep {
  /// How many tokens of a pass tensors are measured on, at most.
  static let sampledTokens = 256

  let candidate: ForwardPass
  let reference: ForwardPass
  /// Of the residual stream: after the embeddings, then after each layer.
  private(set) var drift: [SquaredError]
  /// Of each tensor's output.
  private(set) var errors: [TensorRole: SquaredError] = [:]
  /// Whether layers correspond, so that they can be compared one by one.
  private let isAligned: Bool
  private let measuresTensors: Bool

  /// Prepares two models.
  ///
  /// - Parameters:
  ///   - candidate: The model to be judged.
  ///   - reference: The model to judge it by, with the same order of rows.
  ///   - measuresTensors: Whether to measure what each tensor adds.
  init(candidate: ForwardPass, reference: ForwardPass, measuresTensors: Bool) {
    self.candidate = candidate
    self.reference = reference
    let (a, b) = (candidate.model.configuration, reference.model.configuration)
    isAligned =
      a.layerCount == b.layerCount && a.hiddenSize == b.hiddenSize && a.headCount == b.headCount
      && a.keyValueHeadCount == b.keyValueHeadCount && a.feedForwardSize == b.feedForwardSize
    self.measuresTensors = measuresTensors && isAligned
    drift = Array(repeating: SquaredError(), count: isAligned ? a.layerCount + 1 : 0)
  }

  /// Runs one pass.
  ///
  /// - Parameters:
  ///   - pass: The tokens.
  ///   - step: Called after each layer with the share of the layers that is done; `false` stops.
  /// - Returns: Both models' vectors before the output matrix; `nil` when it was stopped.
  /// - Throws: Reading errors.
  mutating func run(
    _ pass: EvaluationPass, step: (Double) -> Bool
  ) throws(WeightmillError) -> (candidate: Activations, reference: Activations)? {
    var ours = try candidate.embed(pass.tokens)
    var theirs = try reference.embed(pass.tokens)
    measure(ours, theirs, layer: 0)
    let sample = Self.sample(pass.tokens.count)
    let (mine, others) = (
      candidate.model.configuration.layerCount, reference.model.configuration.layerCount
    )
    for layer in 0..<max(mine, others) {
      if layer < mine { try candidate.apply(layer: layer, to: &ours, windows: pass.windows) }
      if layer < others { try applyReference(layer, to: &theirs, pass, sample) }
      measure(ours, theirs, layer: layer + 1)
      guard step(Double(layer + 1) / Double(max(mine, others))) else { return nil }
    }
    let final = (try candidate.normalized(ours), try reference.normalized(theirs))
    // Matrices of different heights have no product in common.
    if measuresTensors, !candidate.model.tiesEmbeddings, !reference.model.tiesEmbeddings,
      candidate.model.tensor(.output)?.shape == reference.model.tensor(.output)?.shape
    {
      try measure(.output, on: final.1.selecting(sample))
    }
    return final
  }

  private mutating func applyReference(
    _ layer: Int, to theirs: inout Activations, _ pass: EvaluationPass, _ sample: [Int]
  ) throws(WeightmillError) {
    guard measuresTensors else {
      return try reference.apply(layer: layer, to: &theirs, windows: pass.windows)
    }
    // What the reference makes of the inputs is known from its own pass: only the products of the
    // difference are left to compute.
    var inputs: Activations?
    try reference.apply(
      layer: layer, to: &theirs, windows: pass.windows,
      observe: { _, input in inputs = input.selecting(sample) },
      products: { (role, output) throws(WeightmillError) in
        guard let inputs else { return }
        try measure(role, on: inputs, products: output.selecting(sample))
      })
  }

  private mutating func measure(_ ours: Activations, _ theirs: Activations, layer: Int) {
    guard isAligned else { return }
    let error = ours.squaredDifference(from: theirs)
    drift[layer].add(error)
    if layer == 0 { errors[.tokenEmbedding, default: SquaredError()].add(error) }
  }

  private mutating func measure(
    _ role: TensorRole, on inputs: Activations, products: Activations? = nil
  ) throws(WeightmillError) {
    // Matrices may be fused in one of both.
    guard candidate.model[role] != nil else { return }
    let error = try reference.productError(
      of: role, in: candidate.model, on: inputs, products: products)
    errors[role, default: SquaredError()].add(error)
  }

  /// Compares the gains of norms and what is added to products, which have no product of their own.
  mutating func measureVectors() throws(WeightmillError) {
    guard measuresTensors else { return }
    for role in candidate.model.roles where role.isVector && reference.model[role] != nil {
      let (a, b) = (try candidate.model.vector(role), try reference.model.vector(role))
      var error = (difference: 0.0, size: 0.0)
      for (x, y) in zip(a, b) {
        error.difference += (Double(x) - Double(y)) * (Double(x) - Double(y))
        error.size += Double(y) * Double(y)
      }
      errors[role, default: SquaredError()].add(error)
    }
  }

  /// Tokens spread evenly over a pass.
  private static func sample(_ count: Int) -> [Int] {
    let wanted = min(count, sampledTokens)
    return (0..<wanted).map { $0 * count / wanted }
  }
}
