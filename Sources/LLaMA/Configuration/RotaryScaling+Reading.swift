import WeightmillStrictJSON
import WeightmillTensors

extension ConfigurationFields {
  /// The names of the fields on rotary angles: the older one, and that of transformers 5.
  private static let rotaryFields = ["rope_scaling", "rope_parameters"]
  /// The names in such a field that scale nothing.
  private static let plainFields = ["rope_theta", "partial_rotary_factor"]

  /// The base of the rotary angles and how they are stretched.
  ///
  /// - Parameter contextLength: The model's context length, in tokens.
  /// - Returns: Both.
  /// - Throws: `unsupported` for a kind of scaling that is not known, `malformed` for missing or
  ///   impossible values.
  func rotaryAngles(
    contextLength: Int
  ) throws(WeightmillError) -> (base: Double, scaling: RotaryScaling) {
    try refusePartialRotation()
    var (base, found): (Double?, RotaryScaling?)
    for name in Self.rotaryFields {
      guard let value = object.nonNull(name) else { continue }
      let fields = try ConfigurationFields(value, location: location)
      try fields.refusePartialRotation()
      var original = try fields.size("original_max_position_embeddings")
      if original == nil { original = try size("original_max_position_embeddings") }
      let scaling = try fields.rotaryScaling(
        name, original: original, contextLength: contextLength)
      if let found, found != scaling {
        throw WeightmillError(
          .malformed, location, "says two things in \(Self.rotaryFields.joined(separator: " and "))"
        )
      }
      found = scaling
      if base == nil { base = try fields.number("rope_theta") }
    }
    if base == nil { base = try number("rope_theta") }
    return (base ?? 10_000, found ?? .none)
  }

  private func refusePartialRotation() throws(WeightmillError) {
    let name = "partial_rotary_factor"
    guard let share = try number(name), share != 1 else { return }
    throw WeightmillError(
      .unsupported, location, "turns a part of each head (\(name) \(share)), which is not computed")
  }

  /// The scaling of one of the fields; without a type there must be nothing to scale by.
  private func rotaryScaling(
    _ name: String, original: Int?, contextLength: Int
  ) throws(WeightmillError) -> RotaryScaling {
    let (new, old, factor) = (try text("rope_type"), try text("type"), try number("factor"))
    let type = new ?? old
    switch type {
    case nil where factor == 1 || object.members.allSatisfy({ Self.plainFields.contains($0.name) }):
      return .none
    case "default", "none": return .none
    case "linear", "yarn", "llama3", "dynamic":
      // A factor of one leaves all as it is.
      if factor == 1 { return .none }
    case "longrope", "su": break
    default:
      throw WeightmillError(
        .unsupported, location,
        "uses \(name) of type \(quoted(type ?? "unknown")), which is not supported",
        remedy: "types that are: linear, llama3, yarn, longrope; dynamic, up to the context length")
    }
    switch type {
    case "linear": return .linear(factor: try requiredNumber("factor"))
    case "dynamic": return .dynamic(factor: try requiredNumber("factor"))
    case "llama3": return .llama3(try llama3(original: original))
    case "yarn":
      let scaling = try yarn(original: original, contextLength)
      return scaling.factor == 1 ? .none : .yarn(scaling)
    case "longrope", "su":
      return .longRope(try longRope(original: original ?? contextLength, contextLength))
    default: return .none
    }
  }

  private func llama3(original: Int?) throws(WeightmillError) -> RotaryScaling.Llama3 {
    var scaling = RotaryScaling.Llama3()
    scaling.factor = try number("factor") ?? scaling.factor
    scaling.lowFrequencyFactor = try number("low_freq_factor") ?? scaling.lowFrequencyFactor
    scaling.highFrequencyFactor = try number("high_freq_factor") ?? scaling.highFrequencyFactor
    scaling.originalContextLength = original ?? scaling.originalContextLength
    return scaling
  }

  private func yarn(
    original: Int?, _ contextLength: Int
  ) throws(WeightmillError) -> RotaryScaling.YaRN {
    let quotient = original.map { Double(contextLength) / Double(max($0, 1)) }
    let factor: Double
    if let said = try number("factor") ?? quotient {
      factor = said
    } else {
      factor = try requiredNumber("factor")
    }
    var scaling = RotaryScaling.YaRN(
      factor: factor, originalContextLength: original ?? contextLength)
    scaling.betaFast = try number("beta_fast")
    scaling.betaSlow = try number("beta_slow")
    scaling.truncates = try flag("truncate") ?? true
    let (attention, older) = (try number("attention_factor"), try number("attn_factor"))
    scaling.attentionFactor = attention ?? older
    if scaling.attentionFactor == nil, let all = try number("mscale_all_dim"), all != 0,
      let own = try number("mscale"), own != 0, factor > 1
    {
      let logarithm = 0.1 * Elementary.logarithm(factor)
      scaling.attentionFactor = (own * logarithm + 1) / (all * logarithm + 1)
    }
    return scaling
  }

  private func longRope(
    original: Int, _ contextLength: Int
  ) throws(WeightmillError) -> RotaryScaling.LongRoPE {
    let length = Double(max(original, 1))
    let factor = try number("factor") ?? Double(contextLength) / length
    let usual =
      factor > 1
      ? (1 + Elementary.logarithm(factor) / Elementary.logarithm(length)).squareRoot() : 1
    var scaling = RotaryScaling.LongRoPE(
      originalContextLength: original,
      attentionFactor: try number("attention_factor") ?? usual)
    scaling.short = try numbers("short_factor")
    scaling.long = try numbers("long_factor")
    guard scaling.short.count == scaling.long.count, !scaling.short.isEmpty else {
      throw WeightmillError(
        .malformed, location,
        "has \(scaling.short.count) numbers in \"short_factor\", \(scaling.long.count) in "
          + "\"long_factor\"")
    }
    return scaling
  }

  /// A list of numbers, as binary32 has them.
  private func numbers(_ name: String) throws(WeightmillError) -> [Float] {
    guard let values = object.nonNull(name)?.array else {
      throw WeightmillError(.malformed, location, "does not say the numbers \(quoted(name))")
    }
    let numbers = values.compactMap { $0.double.map { Float($0) } }
    guard numbers.count == values.count else {
      throw WeightmillError(.malformed, location, "\(quoted(name)) does not hold numbers only")
    }
    return numbers
  }

  /// The scaling that `use_scaled_rope` of Meta's `params.json` or `yarn` of Mistral's asks for. Meta's
  /// factor is rarely there: Llama 3.2 has 32 in its two small sizes, 3.1 and 3.3 have 8.
  func metaScaling(width: Int, contextLength: Int) throws(WeightmillError) -> RotaryScaling {
    if let value = object.nonNull("yarn") {
      let fields = try ConfigurationFields(value, location: location)
      var yarn = RotaryScaling.YaRN(
        factor: try fields.requiredNumber("factor"),
        originalContextLength: try fields.size("original_max_position_embeddings") ?? contextLength)
      yarn.betaFast = try fields.number("beta")
      yarn.betaSlow = try fields.number("alpha")
      if try fields.flag("apply_scale") == false { yarn.attentionFactor = 1 }
      return yarn.factor == 1 ? .none : .yarn(yarn)
    }
    guard try flag("use_scaled_rope") == true else { return .none }
    var scaling = RotaryScaling.Llama3()
    scaling.factor = try number("rope_scaling_factor") ?? (width <= 3072 ? 32 : 8)
    return scaling.factor == 1 ? .none : .llama3(scaling)
  }

  /// Meta's files do not say the context length; LLaMA 1 was trained on 2048 tokens, Llama 3.1 on 128
  /// times 1024. Mistral's do since its second generation; the first one was made for 32 times 1024.
  func metaContextLength() throws(WeightmillError) -> Int {
    for name in ["max_seq_len", "max_position_embeddings"] {
      if let said = try size(name) { return said }
    }
    if object.nonNull("hidden_dim") != nil { return 32_768 }
    return try flag("use_scaled_rope") == true ? 131_072 : 2048
  }

  /// Mistral's `params.json` may describe more than a dense model of LLaMA's graph.
  func refuseMistralsFurtherParts() throws(WeightmillError) {
    let parts = [
      ("moe", "experts"), ("llama_4_scaling", "scores that are scaled by position"),
      ("vision_encoder", "a part that sees"), ("quantization", "weights that need scales"),
    ]
    for (name, what) in parts where object.nonNull(name) != nil {
      throw WeightmillError(
        .unsupported, location, "describes \(what) (\(quoted(name))), which is not computed")
    }
  }
}

extension RotaryScaling {
  /// The largest factor; those that people use are below 100.
  private static let largestFactor = 1e6

  /// Refuses numbers that are impossible, and tensors that files of the architecture cannot have.
  func check(_ model: LlamaConfiguration, location: String) throws(WeightmillError) {
    let lengths: [Int]
    var factors: [Double]
    var kinds: Set<TensorRole.RopeFactors> = []
    switch self {
    case .none: return
    case .linear(let factor), .dynamic(let factor): (lengths, factors) = ([], [factor])
    case .llama3(let llama):
      (lengths, kinds) = ([llama.originalContextLength], [.all])
      factors = [
        llama.factor, llama.lowFrequencyFactor, llama.highFrequencyFactor,
        llama.highFrequencyFactor - llama.lowFrequencyFactor,
      ]
    case .yarn(let yarn):
      lengths = [yarn.originalContextLength]
      let further = [yarn.betaFast, yarn.betaSlow, yarn.attentionFactor]
      factors = [yarn.factor] + further.compactMap(\.self)
    case .longRope(let long):
      (lengths, kinds) = ([long.originalContextLength], [.long, .short])
      factors = [long.attentionFactor] + (long.short + long.long).map(Double.init)
      guard long.short.isEmpty || long.short.count == model.headDimension / 2 else {
        throw WeightmillError(
          .malformed, location,
          "has \(long.short.count) rotary factors for heads of \(model.headDimension)")
      }
    }
    guard factors.allSatisfy({ $0 > 0 && $0 <= Self.largestFactor }),
      lengths.allSatisfy({ (1...1 << 24).contains($0) })
    else {
      throw WeightmillError(
        .malformed, location, "scales rotary angles (\(name)) by numbers that are impossible")
    }
    guard kinds.isSubset(of: model.architecture.ropeFactors) else {
      throw WeightmillError(
        .unsupported, location,
        "uses rope scaling \(quoted(name)), for which GGUF files of the architecture "
          + "\(model.architecture.name) have no tensor")
    }
  }
}
