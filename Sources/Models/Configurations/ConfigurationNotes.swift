import WeightmillLLaMA
import WeightmillStrictJSON
import WeightmillTensors

/// The notes on a model's configuration: what is assumed, and what is not computed.
enum ConfigurationNotes {
  /// The notes on a model.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - json: Its configuration file; `nil` for a GGUF file.
  /// - Returns: The notes.
  static func notes(_ model: LlamaModel, _ json: JSONValue?) -> [String] {
    let configuration = model.configuration
    return context(model.scheme, json) + rotation(configuration, model.scheme, json)
      + window(configuration, json)
  }

  /// Meta's files do not say how many tokens a model was trained to see.
  private static func context(_ scheme: NamingScheme, _ json: JSONValue?) -> [String] {
    guard scheme == .meta, let json, let assumed = AssumedContext(meta: json) else { return [] }
    return [
      HelpTopic.metaContext.after(
        "params.json does not say the context length; \(assumed.length) is assumed, which is "
          + assumed.origin)
    ]
  }

  private static func rotation(
    _ configuration: LlamaConfiguration, _ scheme: NamingScheme, _ json: JSONValue?
  ) -> [String] {
    switch configuration.rotaryScaling {
    case .dynamic:
      return [
        "rotary angles of the type dynamic are written and computed as plain ones: up to "
          + "\(configuration.contextLength) tokens they are the same"
      ]
    case .yarn(let yarn) where json != nil:
      let further = [yarn.betaFast.map { $0 == 32 }, yarn.betaSlow.map { $0 == 1 }]
      let isUsual =
        further.allSatisfy { $0 ?? true } && yarn.truncates
        && yarn.attentionFactor.map { $0 == yarn.usualAttentionFactor } ?? true
      guard !isUsual else { return [] }
      return [
        "the configuration has its own constants of YaRN, which llama.cpp does not read from a "
          + "GGUF file: it takes 32, 1 and 0.1 ln(factor) + 1"
      ]
    case .llama3(let llama):
      guard scheme == .meta, let json,
        LlamaConfiguration.metaFields(json).object?["rope_scaling_factor"] == nil
      else { return [] }
      return [
        "params.json does not say by which factor rotary angles are scaled; \(Int(llama.factor)) is "
          + "assumed, which is that of models of this width (Llama 3.1: 8, the small ones of 3.2: 32)"
      ]
    default: return []
    }
  }

  /// Windows of attention that other programs do not compute; most GGUF files do not have them.
  private static func window(
    _ configuration: LlamaConfiguration, _ json: JSONValue?
  ) -> [String] {
    if configuration.architecture.windows?.isIgnoredByLlamaCpp == true,
      let window = configuration.window, window < configuration.contextLength
    {
      return [
        "attention has a window of \(window) tokens, which llama.cpp leaves out for this "
          + "architecture: in longer texts its results are others"
      ]
    }
    guard configuration.architecture.windows == nil, let object = json?.object,
      let window = object.nonNull("sliding_window")?.integer,
      window < configuration.contextLength,
      object.nonNull("use_sliding_window")?.bool
        ?? (configuration.architecture.huggingFaceType == "mistral")
    else { return [] }
    return [
      "the window of \(window) tokens that attention shall have is not written, as llama.cpp has "
        + "none for this architecture, and not computed: up to that many tokens nothing differs"
    ]
  }
}
