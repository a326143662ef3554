import WeightmillStrictJSON
import WeightmillTensors

extension ConfigurationFields {
  /// The names of the fields on rotary angles: the older one, and that of transformers 5.
  private static let rotaryFields = ["rope_scaling", "rope_parameters"]
  /// The names in such a field that scale nothing.
  private static let plainFields = ["rope_theta", "partial_rotary_factor"]

  /// What a `config.json` says of rotary angles.
  struct RotaryAngles {
    /// The base.
    let base: Double
    /// The base in layers with a window, if it is one of their own.
    let localBase: Double?
    /// The share of each head that is turned, above 0 and at most 1.
    let share: Double
    /// How the angles are stretched.
    let scaling: RotaryScaling

    /// The number of a head's values that are turned.
    func turned(ofHead size: Int) -> Int {
      share == 1 || size > 1 << 24 ? size : Int(Double(size) * share)
    }
  }

  /// The rotary angles.
  ///
  /// - Parameters:
  ///   - architecture: The architecture.
  ///   - contextLength: The model's context length, in tokens.
  ///   - usual: The length of the texts that the model was first trained on, if the field does not
  ///     say it.
  /// - Returns: What is said of them.
  /// - Throws: `unsupported` for a kind of scaling that is not known, `malformed` for missing or
  ///   impossible values.
  func rotaryAngles(
    of architecture: Architecture, contextLength: Int, original usual: Int?
  ) throws(WeightmillError) -> RotaryAngles {
    let local = architecture.windows?.localRopeBase
    var (share, base, found): (Double?, Double?, RotaryScaling?)
    var localBase = local == nil ? nil : try number("rope_local_base_freq")
    for name in Self.rotaryFields {
      guard let value = object.nonNull(name) else { continue }
      let (fields, windowed) = try rotaryFields(value, of: architecture)
      if localBase == nil { localBase = try windowed?.number("rope_theta") }
      if share == nil { share = try fields.rotatedShare() }
      let original = try fields.size("original_max_position_embeddings") ?? usual
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
    if share == nil { share = try rotatedShare() }
    if base == nil { base = try number("rope_theta") }
    return RotaryAngles(
      // Gemma 3's layers without a window have another base than others' layers.
      base: base ?? (local == nil ? 10_000 : 1_000_000), localBase: localBase ?? local,
      share: share ?? 1, scaling: found ?? .none)
  }

  /// The field of the layers that see all tokens, and that of those with a window, where they are
  /// apart.
  private func rotaryFields(
    _ value: JSONValue, of architecture: Architecture
  ) throws(WeightmillError) -> (ConfigurationFields, windowed: ConfigurationFields?) {
    let fields = try ConfigurationFields(value, location: location)
    let names = ("full_attention", "sliding_attention")
    guard fields.object.nonNull(names.0) != nil || fields.object.nonNull(names.1) != nil else {
      return (fields, nil)
    }
    func part(_ name: String) throws(WeightmillError) -> ConfigurationFields {
      try ConfigurationFields(
        fields.object.nonNull(name) ?? .object(JSONObject(members: [])), location: location)
    }
    let (full, windowed) = (try part(names.0), try part(names.1))
    let kind = try windowed.text("rope_type") ?? "default"
    guard architecture.windows?.localRopeBase != nil, kind == "default" else {
      throw WeightmillError(
        .unsupported, location,
        "has other rotary angles in layers with a window (\(names.1)), which files of the "
          + "architecture \(architecture.name) do not have")
    }
    return (full, windowed)
  }

  /// The share of each head that is turned, if it is said.
  private func rotatedShare() throws(WeightmillError) -> Double? {
    let name = "partial_rotary_factor"
    guard let share = try number(name) else { return nil }
    guard share > 0, share <= 1 else {
      throw WeightmillError(
        .malformed, location, "\(quoted(name)) is \(share), not a share of each head")
    }
    return share
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
    let usual = RotaryScaling.LongRoPE.usualAttentionFactor(factor, length: length)
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
    guard self == .none || model.architecture.ropeScalings?.contains(name) ?? true else {
      throw WeightmillError(
        .unsupported, location,
        "uses rope scaling \(quoted(name)), which files of the architecture "
          + "\(model.architecture.name) do not have")
    }
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
      guard long.short.isEmpty || long.short.count == model.rotaryDimension / 2 else {
        throw WeightmillError(
          .malformed, location,
          "has \(long.short.count) rotary factors for \(model.rotaryDimension) values of each head")
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
