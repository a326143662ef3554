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

  /// Computes the angles of a layer.
  ///
  /// - Parameters:
  ///   - model: The model: its configuration, and the factors it holds as tensors.
  ///   - layer: The layer's number.
  /// - Throws: Reading errors.
  package init(_ model: LlamaModel, layer: Int) throws(WeightmillError) {
    let configuration = model.configuration
    guard let base = configuration.localRopeBase, configuration.hasLocalAngles(layer: layer) else {
      try self.init(model)
      return
    }
    let plain = Self.plain(configuration, base: base)
    self.init(values: plain, beyond: plain, limit: configuration.contextLength, magnitude: 1)
  }

  /// Computes the angles of a model, in the layers that do not have angles of their own.
  ///
  /// - Parameter model: The model: its configuration, and the factors it holds as tensors.
  /// - Throws: Reading errors.
  package init(_ model: LlamaModel) throws(WeightmillError) {
    let configuration = model.configuration
    let plain = Self.plain(configuration, base: configuration.ropeBase)
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
    let values = scaling.scaled(short, configuration)
    let magnitude =
      switch scaling {
      case .yarn(let yarn): yarn.attentionFactor ?? yarn.usualAttentionFactor
      case .longRope(let longRope): longRope.attentionFactor
      case .none, .linear, .llama3, .dynamic: 1.0
      }
    var limit = configuration.contextLength
    if case .longRope(let longRope) = scaling { limit = longRope.originalContextLength }
    self.init(
      values: values, beyond: long == short ? values : scaling.scaled(long, configuration),
      limit: limit, magnitude: magnitude)
  }

  private init(values: [Double], beyond: [Double], limit: Int, magnitude: Double) {
    self.values = values
    self.beyond = beyond
    self.limit = limit
    self.magnitude = magnitude
  }

  /// The angles before they are scaled.
  private static func plain(_ configuration: LlamaConfiguration, base: Double) -> [Double] {
    let size = Double(configuration.rotaryDimension)
    return (0..<configuration.rotaryDimension / 2).map { index in
      1 / Elementary.power(base, Double(2 * index) / size)
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
      let ramp = yarn.ramp(
        headDimension: configuration.rotaryDimension, base: configuration.ropeBase)
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
