import WeightmillGGUF
import WeightmillLLaMA
import WeightmillQuantization
import WeightmillStrictJSON
import WeightmillTensors

/// What a `config.json` says of scaled rotary angles, of a model whose files have none.
///
/// The kinds and their members: `formats/rotary-scaling.md` section 1.
struct DescribedRotation {
  /// `rope_scaling`, and what stands beside it.
  private(set) var members: [JSONObject.Member] = []
  /// Remarks for the user.
  private(set) var notes: [String] = []
  private let configuration: LlamaConfiguration

  /// Describes the angles of a model in Meta's layout: by its configuration.
  init(_ configuration: LlamaConfiguration) {
    self.configuration = configuration
    describe(configuration.rotaryScaling, factors: nil)
  }

  /// Describes the angles of a model from a GGUF file: by its keys and its tensors of factors.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - metadata: The file's metadata, which says more of YaRN than programs read.
  /// - Throws: `unsupported` for tensors and keys that no `config.json` says together.
  init(_ model: LlamaModel, _ metadata: GGUFMetadata) throws(WeightmillError) {
    configuration = model.configuration
    let architecture = configuration.architecture
    if configuration.rotaryDimension != configuration.headDimension {
      let head = Double(configuration.headDimension)
      add(
        "partial_rotary_factor",
        DescribedModel.number(Double(configuration.rotaryDimension) / head))
    }
    if let original = configuration.originalContextLength {
      add("original_max_position_embeddings", .number("\(original)"))
    }
    let all = try Self.factors(.all, of: model)
    let (long, short) = (try Self.factors(.long, of: model), try Self.factors(.short, of: model))
    switch configuration.rotaryScaling {
    case .longRope(let scaling) where all == nil:
      guard let long, let short else { throw Self.fault(model, "lacks factors of rotary angles") }
      describe(.longRope(scaling), factors: (short, long))
    case .none where all == nil && long == nil && short == nil: break
    case .none where long == nil && short == nil:
      describe(all ?? [])
    case .yarn(var yarn) where all == nil && long == nil && short == nil:
      func number(_ key: Architecture.Key) -> Double? {
        metadata[architecture.name(of: key)]?.double
      }
      yarn.betaFast = number(.yarnBetaFast)
      yarn.betaSlow = number(.yarnBetaSlow)
      yarn.attentionFactor = yarn.attentionFactor ?? number(.yarnAttentionFactor)
      describe(.yarn(yarn), factors: nil)
    case .linear where all == nil && long == nil && short == nil:
      describe(configuration.rotaryScaling, factors: nil)
    default:
      throw Self.fault(model, "scales rotary angles by keys and by tensors at once")
    }
  }

  private static func fault(_ model: LlamaModel, _ problem: String) -> WeightmillError {
    WeightmillError(
      .unsupported, model.catalogue.location, "\(problem), which no config.json can say",
      remedy: "start from the original checkpoint")
  }

  private static func factors(
    _ kind: TensorRole.RopeFactors, of model: LlamaModel
  ) throws(WeightmillError) -> [Float]? {
    guard let index = model[.ropeFactors(kind)] else { return nil }
    let values = try model.catalogue.finiteValues(rows: 0..<1, ofTensor: index)
    guard values.allSatisfy({ $0 > 0 }) else {
      throw WeightmillError(
        .malformed, model.catalogue.location,
        "tensor \(quoted(model.catalogue.tensors[index].name)) holds factors of rotary angles that "
          + "are not above 0")
    }
    return values
  }

  private mutating func add(_ name: String, _ value: JSONValue) {
    members.append(.init(name: name, value: value))
  }

  /// Describes `rope_freqs`, which Llama 3.1 and later have, and nothing says of which constants.
  private mutating func describe(_ factors: [Float]) {
    guard factors.contains(where: { $0 != 1 }) else { return }
    let found = Llama3Constants(
      factors: factors, headDimension: configuration.rotaryDimension,
      base: configuration.ropeBase)
    if let found {
      describe(.llama3(found.scaling), factors: nil)
      if !found.isExact {
        notes.append(
          "the factors of rotary angles (rope_freqs) are those of llama3 with the constants of "
            + "config.json but for less than 0.0004 %")
      }
      return
    }
    // The same factors for texts of any length.
    var scaling = RotaryScaling.LongRoPE(
      originalContextLength: configuration.contextLength, attentionFactor: 1)
    (scaling.short, scaling.long) = (factors, factors)
    describe(.longRope(scaling), factors: (factors, factors))
    notes.append(
      "the factors of rotary angles (rope_freqs) are of no known kind: config.json has them as "
        + "longrope, the same for short and long texts")
  }

  private mutating func describe(
    _ scaling: RotaryScaling, factors: (short: [Float], long: [Float])?
  ) {
    var object = JSONObject(members: [])
    func set(_ name: String, _ value: Double?) {
      if let value { object[name] = DescribedModel.number(value) }
    }
    func setOriginal(_ length: Int) {
      object["original_max_position_embeddings"] = .number("\(length)")
    }
    let isPhi3 = configuration.architecture.impliesRopeScaling
    // Phi-3's class of transformers 4 knows the older name of the kind, and no further members.
    object[isPhi3 ? "type" : "rope_type"] = .string(scaling.name)
    switch scaling {
    case .none, .dynamic: return
    case .linear(let factor): set("factor", factor)
    case .llama3(let llama):
      set("factor", llama.factor)
      set("low_freq_factor", llama.lowFrequencyFactor)
      set("high_freq_factor", llama.highFrequencyFactor)
      setOriginal(llama.originalContextLength)
    case .yarn(let yarn):
      set("factor", yarn.factor)
      set("beta_fast", yarn.betaFast)
      set("beta_slow", yarn.betaSlow)
      set("attention_factor", yarn.attentionFactor)
      setOriginal(yarn.originalContextLength)
    case .longRope(let long):
      let (short, longer) = factors ?? (long.short, long.long)
      object["short_factor"] = .array(short.map { .number("\($0)") })
      object["long_factor"] = .array(longer.map { .number("\($0)") })
      let usual = long.usualAttentionFactor(contextLength: configuration.contextLength)
      if Float(usual) != Float(long.attentionFactor) {
        set("attention_factor", long.attentionFactor)
      }
      if !isPhi3 { setOriginal(long.originalContextLength) }
    }
    add("rope_scaling", .object(object))
  }
}
