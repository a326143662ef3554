package import WeightmillTensors

/// The angles by which one position turns the pairs of a head.
package struct RotaryFrequencies: Equatable, Sendable {
  /// The angle of each pair in texts of up to `limit` tokens, in radians.
  package let values: [Double]
  /// The angles in longer texts.
  package let beyond: [Double]
  /// The longest text that has `values`, in tokens.
  package let limit: Int
  /// The factor of cosines and sines.
  package let magnitude: Double

  /// Computes the angles of a model.
  ///
  /// - Parameter model: The model: its configuration, and the factors it holds as tensors.
  /// - Throws: Reading errors.
  package init(_ model: LlamaModel) throws(WeightmillError) {
    let configuration = model.configuration
    let size = Double(configuration.headDimension)
    let plain = (0..<configuration.headDimension / 2).map { place in
      1 / Elementary.power(configuration.ropeBase, Double(2 * place) / size)
    }
    func divided(by kind: TensorRole.RopeFactors) throws(WeightmillError) -> [Double]? {
      guard model[.ropeFactors(kind)] != nil else { return nil }
      let factors = try WeightMatrix(.ropeFactors(kind), of: model).row(0)
      return zip(plain, factors).map { $0 / Double($1) }
    }
    let scaling = configuration.rotaryScaling
    let (all, shorter, longer) = (
      try divided(by: .all), try divided(by: .short), try divided(by: .long)
    )
    let short = all ?? shorter ?? plain
    let long = all ?? longer ?? short
    values = scaling.scaled(short, configuration)
    beyond = long == short ? values : scaling.scaled(long, configuration)
    switch scaling {
    case .yarn(let yarn): magnitude = yarn.attentionFactor ?? yarn.usualAttentionFactor
    case .longRope(let longRope): magnitude = longRope.attentionFactor
    case .none, .linear, .llama3, .dynamic: magnitude = 1
    }
    if case .longRope(let longRope) = scaling {
      limit = longRope.originalContextLength
    } else {
      limit = configuration.contextLength
    }
  }
}

extension RotaryScaling {
  /// The frequencies after what is done to them besides dividing each by a factor of its own.
  fileprivate func scaled(
    _ frequencies: [Double], _ configuration: LlamaConfiguration
  ) -> [Double] {
    switch self {
    case .none, .llama3, .longRope, .dynamic: return frequencies
    case .linear(let factor): return frequencies.map { $0 / factor }
    case .yarn(let yarn):
      let ramp = yarn.ramp(headDimension: configuration.headDimension, base: configuration.ropeBase)
      return zip(frequencies, ramp).map { frequency, share in
        frequency / yarn.factor * share + frequency * (1 - share)
      }
    }
  }
}

extension RotaryScaling.YaRN {
  /// For each pair the share of the frequency that is divided by the factor, from 0 to 1.
  fileprivate func ramp(headDimension: Int, base: Double) -> [Double] {
    /// The pair that turns so often over the original length.
    func pair(turns: Double) -> Double {
      Double(headDimension)
        * Elementary.logarithm(Double(originalContextLength) / (turns * 2 * Double.pi))
        / (2 * Elementary.logarithm(base))
    }
    var (low, high) = (pair(turns: betaFast ?? 32), pair(turns: betaSlow ?? 1))
    if truncates { (low, high) = (low.rounded(.down), high.rounded(.up)) }
    low = max(low, 0)
    high = min(high, Double(headDimension - 1))
    let width = low == high ? 0.001 : high - low
    return (0..<headDimension / 2).map { min(max((Double($0) - low) / width, 0), 1) }
  }
}
