import WeightmillTensors

/// The scaling of a model's rotary angles, for texts longer than those it was first trained on.
///
/// A position turns the *i*-th pair of a head of *d* values by position × frequency. Without scaling
/// the frequency is 1 / base^(2i/d).
///
/// Source: `modeling_rope_utils.py` of transformers, `llm_build_rope_factors` and `rope_yarn` of
/// llama.cpp; `formats/rotary-scaling.md`.
package enum RotaryScaling: Equatable, Sendable {
  /// The plain frequencies.
  case none
  /// All frequencies divided by one factor, at least that of the plain ones.
  case linear(factor: Double)
  /// Slow frequencies divided by a factor, fast ones left alone, those between divided by less.
  case llama3(Llama3)
  /// The same idea with a ramp over pairs, and longer vectors of queries and keys.
  case yarn(YaRN)
  /// A factor for each pair: some for short texts, others for long ones.
  case longRope(LongRoPE)
  /// A base that grows with texts beyond the context length. Nothing in a GGUF file says so, and
  /// nothing is computed: up to that length the frequencies are the plain ones.
  case dynamic(factor: Double)

  /// The constants of Llama 3.1 and later.
  package struct Llama3: Equatable, Sendable {
    package var factor = 8.0
    package var lowFrequencyFactor = 1.0
    package var highFrequencyFactor = 4.0
    /// The length of the texts that the model was first trained on, in tokens.
    package var originalContextLength = 8192

    /// The values of Llama 3.1.
    package init() {}
  }

  /// The constants of YaRN; those that are not said have the values of its paper.
  package struct YaRN: Equatable, Sendable {
    package let factor: Double
    /// The length of the texts that the model was first trained on, in tokens.
    package let originalContextLength: Int
    /// The turns over that length of a pair whose frequency is left alone: 32.
    package var betaFast: Double?
    /// The turns over that length of a pair whose frequency is divided by the whole factor: 1.
    package var betaSlow: Double?
    /// The factor of cosines and sines: 0.1 ln(factor) + 1.
    package var attentionFactor: Double?
    /// Whether the ramp begins and ends at whole pairs.
    package var truncates = true

    package init(factor: Double, originalContextLength: Int) {
      self.factor = factor
      self.originalContextLength = originalContextLength
    }

    /// The factor of cosines and sines unless the model says it.
    package var usualAttentionFactor: Double { 0.1 * Elementary.logarithm(factor) + 1 }
  }

  /// The constants and factors of Phi-3 and MiniCPM.
  package struct LongRoPE: Equatable, Sendable {
    /// The longest text for which the short factors are, in tokens.
    package let originalContextLength: Int
    /// The factor of cosines and sines.
    package let attentionFactor: Double
    /// The factors of short texts; empty if they are a tensor of the model.
    package var short: [Float] = []
    /// The factors of long texts; empty if they are a tensor of the model.
    package var long: [Float] = []

    package init(originalContextLength: Int, attentionFactor: Double) {
      self.originalContextLength = originalContextLength
      self.attentionFactor = attentionFactor
    }

    /// The factor of cosines and sines of a model that says nothing but its lengths.
    ///
    /// - Parameter contextLength: The model's context length, in tokens.
    /// - Returns: The factor.
    package func usualAttentionFactor(contextLength: Int) -> Double {
      let length = Double(max(originalContextLength, 1))
      return Self.usualAttentionFactor(Double(contextLength) / length, length: length)
    }

    /// The factor of cosines and sines unless the model says it.
    static func usualAttentionFactor(_ factor: Double, length: Double) -> Double {
      factor > 1
        ? (1 + Elementary.logarithm(factor) / Elementary.logarithm(length)).squareRoot() : 1
    }
  }

  /// The name that configuration files and GGUF files have for it.
  package var name: String {
    switch self {
    case .none: "none"
    case .linear: "linear"
    case .llama3: "llama3"
    case .yarn: "yarn"
    case .longRope: "longrope"
    case .dynamic: "dynamic"
    }
  }

  /// The factors by which frequencies are divided, for what a GGUF file holds as a tensor.
  ///
  /// - Parameters:
  ///   - kind: Which of the tensors.
  ///   - headDimension: The number of a head's values that are turned.
  ///   - base: The base of the angles.
  /// - Returns: A factor for each pair, or `nil` where there is no such tensor, or where the
  ///   configuration does not have its values.
  package func factors(
    _ kind: TensorRole.RopeFactors, headDimension: Int, base: Double
  ) -> [Float]? {
    switch (self, kind) {
    case (.llama3(let scaling), .all): scaling.factors(headDimension: headDimension, base: base)
    case (.longRope(let scaling), .long): scaling.long.isEmpty ? nil : scaling.long
    case (.longRope(let scaling), .short): scaling.short.isEmpty ? nil : scaling.short
    default: nil
    }
  }
}

extension RotaryScaling.Llama3 {
  /// The factors in binary32, operation by operation as llama.cpp's converter computes them with
  /// torch, so that the tensors have the same bits. There a quotient with a number on its left is
  /// that number times the reciprocal.
  ///
  /// Source: `generate_extra_tensors` of `conversion/llama.py`.
  fileprivate func factors(headDimension: Int, base: Double) -> [Float] {
    let original = Double(originalContextLength)
    let longest = Float(original / lowFrequencyFactor)
    let shortest = Float(original / highFrequencyFactor)
    let range = Float(highFrequencyFactor - lowFrequencyFactor)
    return stride(from: 0, to: headDimension, by: 2).map { place in
      let exponent = Float(place) / Float(headDimension)
      let power = Float(Elementary.power(Double(Float(base)), Double(exponent)))
      let frequency = 1 / power
      let wavelength = 1 / frequency * Float(2 * Double.pi)
      if wavelength < shortest { return 1 }
      if wavelength > longest { return Float(factor) }
      let smooth = (1 / wavelength * Float(original) - Float(lowFrequencyFactor)) / range
      return 1 / ((1 - smooth) / Float(factor) + smooth)
    }
  }
}

extension LlamaConfiguration {
  /// The factors of rotary frequencies that the configuration gives and a GGUF file holds as
  /// tensors, in the order of the roles.
  var ropeFactors: [(kind: TensorRole.RopeFactors, values: [Float])] {
    TensorRole.RopeFactors.allCases.compactMap { kind in
      rotaryScaling.factors(kind, headDimension: rotaryDimension, base: ropeBase)
        .map { (kind, $0) }
    }
  }
}
