import WeightmillStrictJSON
import WeightmillTensors

/// Typed access to the fields of a configuration file.
struct ConfigurationFields {
  let object: JSONObject
  let location: String

  init(_ json: JSONValue, location: String) throws(WeightmillError) {
    guard let object = json.object else {
      throw WeightmillError(.malformed, location, "is not a JSON object")
    }
    self.object = object
    self.location = location
  }

  func size(_ name: String) throws(WeightmillError) -> Int? {
    guard let value = object.nonNull(name) else { return nil }
    guard let size = value.integer, size >= 0 else {
      throw WeightmillError(.malformed, location, "\(quoted(name)) is not a size")
    }
    return size
  }

  func requiredSize(_ name: String) throws(WeightmillError) -> Int {
    guard let size = try size(name) else {
      throw WeightmillError(.malformed, location, "does not say \(quoted(name))")
    }
    return size
  }

  func number(_ name: String) throws(WeightmillError) -> Double? {
    guard let value = object.nonNull(name) else { return nil }
    guard let number = value.double else {
      throw WeightmillError(.malformed, location, "\(quoted(name)) is not a number")
    }
    return number
  }

  /// The architecture that is named; files that name none are LLaMA's.
  func architecture(alsoNamed types: Set<String>) throws(WeightmillError) -> Architecture {
    guard let type = try text("model_type"), !types.contains(type) else { return .llama }
    guard let architecture = Architecture.ofHuggingFace(type: type) else {
      throw WeightmillError(
        .unsupported, location,
        "is of model type \(quoted(type)); \(Architecture.onlySupported(type, \.huggingFaceType))")
    }
    return architecture
  }

  /// The biases that the file speaks of, which are refused where the architecture has none.
  func biases(of architecture: Architecture) throws(WeightmillError) -> Set<TensorRole.LayerTensor>
  {
    typealias Tensors = TensorRole.LayerTensor
    var flags: [(String, Set<Tensors>)] = [
      ("attention_bias", Tensors.attentionBiases), ("mlp_bias", Tensors.feedForwardBiases),
    ]
    if architecture == .internLM3 {
      // Its own code has other names, by other groups; transformers has those of the others, too.
      flags += [
        ("qkv_bias", Tensors.inputBiases),
        ("bias", Tensors.biases.subtracting(Tensors.inputBiases)),
      ]
    }
    var biases = architecture.requiredTensors.intersection(Tensors.biases)
    for (name, tensors) in flags where try flag(name) == true {
      guard tensors.isSubset(of: architecture.layerTensors) else {
        throw WeightmillError(
          .unsupported, location,
          "uses \(name), which GGUF files of the architecture \(architecture.name) do not hold")
      }
      biases.formUnion(tensors)
    }
    return biases
  }

  /// Refuses activations of gates that are not the architecture's.
  func checkActivation(of architecture: Architecture) throws(WeightmillError) {
    let (newer, older) = (try text("hidden_activation"), try text("hidden_act"))
    // Gemma's first files say "gelu" in the older field, and mean the form with tanh.
    let isKnown =
      switch architecture.activation {
      case .silu: older == nil || older == "silu"
      case .gelu:
        newer.map { $0 == "gelu_pytorch_tanh" }
          ?? older.map { $0 == "gelu_pytorch_tanh" || $0 == "gelu" } ?? true
      }
    guard isKnown else {
      let name = architecture.activation == .gelu ? newer ?? older : older
      throw WeightmillError(
        .unsupported, location,
        "uses the activation \(quoted(name ?? "")); only "
          + (architecture.activation == .silu ? "silu" : "gelu_pytorch_tanh") + " is supported")
    }
  }

  /// The window of attention; `nil` if there is none, or the architecture's files do not say it.
  func window(
    of architecture: Architecture, layers: Int
  ) throws(WeightmillError) -> Int? {
    guard let windows = architecture.windows else { return nil }
    guard try flag("use_bidirectional_attention") != true else {
      throw WeightmillError(
        .unsupported, location, "attends to tokens that come later (use_bidirectional_attention)")
    }
    let size = object["sliding_window"] == nil ? windows.usualSize : try size("sliding_window")
    let kinds = object.nonNull("layer_types")?.array
    let step = try self.size("sliding_window_pattern") ?? windows.interval
    guard let size, step != 1, !isFull(kinds) else { return nil }
    let usual = (1...min(max(layers, 1), 10_000)).map { layer in
      windows.interval.map { layer % $0 == 0 } ?? false
        ? JSONValue.string("full_attention") : .string("sliding_attention")
    }
    guard step == windows.interval, kinds == nil || kinds == usual else {
      throw WeightmillError(
        .unsupported, location,
        "has windows of attention in other layers than files of the architecture "
          + "\(architecture.name)")
    }
    return size
  }

  /// Whether a list says that no layer has a window.
  private func isFull(_ kinds: [JSONValue]?) -> Bool {
    kinds?.isEmpty == false && kinds?.allSatisfy { $0.string == "full_attention" } == true
  }

  /// The fields that give factors and caps which LLaMA does not have.
  func scales(
    of architecture: Architecture, _ shape: ModelShape
  ) throws(WeightmillError) -> ModelScales {
    let (width, layers) = (shape.width, shape.layers)
    var scales = try caps(of: architecture)
    switch architecture.scaleFields {
    case .none: break
    case .miniCPM:
      scales.embedding = try requiredNumber("scale_emb")
      scales.residual = try requiredNumber("scale_depth") / Double(max(layers, 1)).squareRoot()
      scales.logit = Double(width) / (try requiredNumber("dim_model_base"))
    case .granite:
      // Those of transformers' GraniteConfig.
      scales.embedding = try number("embedding_multiplier") ?? 1
      scales.residual = try number("residual_multiplier") ?? 1
      scales.logit = try number("logits_scaling") ?? 1
      scales.attention = try number("attention_multiplier") ?? 1
    case .gemma:
      scales = scales.gemmas(of: architecture, shape)
      let divisor = shape.scoreDivisor(architecture)
      guard try number("query_pre_attn_scalar").map({ $0 == Double(divisor) }) ?? true else {
        throw WeightmillError(
          .unsupported, location,
          "divides scores by the root of another number (query_pre_attn_scalar) than "
            + "\(divisor), which a GGUF file cannot say")
      }
    }
    return scales
  }

  /// The caps of scores and logits.
  private func caps(of architecture: Architecture) throws(WeightmillError) -> ModelScales {
    var scales = ModelScales()
    let names = ("attn_logit_softcapping", "final_logit_softcapping")
    func cap(_ name: String, _ usual: Double?) throws(WeightmillError) -> Double? {
      object[name] == nil ? usual : try number(name)
    }
    let caps = architecture.caps
    scales.attentionCap = try cap(names.0, caps?.usualAttention)
    scales.logitCap = try cap(names.1, caps?.usualLogit)
    let isWritable =
      if let caps {
        caps.areRequired
          ? scales.attentionCap != nil && scales.logitCap != nil : scales.attentionCap == nil
      } else {
        scales.attentionCap == nil && scales.logitCap == nil
      }
    guard isWritable else {
      throw WeightmillError(
        .unsupported, location,
        "has caps of scores and logits (\(names.0), \(names.1)) that GGUF files of the architecture "
          + "\(architecture.name) cannot say")
    }
    return scales
  }

  /// Refuses layers without rotary angles that are others than the architecture's.
  func checkUnrotatedLayers(
    of architecture: Architecture, layers: Int
  ) throws(WeightmillError) {
    guard let interval = architecture.unrotatedInterval else { return }
    let said = object.nonNull("no_rope_layers")?.array?.map {
      $0.integer ?? ($0.bool == true ? 1 : 0)
    }
    let usual = (1...min(max(layers, 1), 10_000)).map { $0 % interval == 0 ? 0 : 1 }
    let step = try size("no_rope_layer_interval") ?? interval
    guard said.map({ $0.isEmpty || $0 == usual }) ?? (step == interval) else {
      throw WeightmillError(
        .unsupported, location,
        "leaves out rotary angles in other layers than each \(interval)th, which a GGUF file cannot "
          + "say")
    }
  }

  func requiredNumber(_ name: String) throws(WeightmillError) -> Double {
    guard let number = try number(name) else {
      throw WeightmillError(.malformed, location, "does not say \(quoted(name))")
    }
    return number
  }

  func flag(_ name: String) throws(WeightmillError) -> Bool? {
    guard let value = object.nonNull(name) else { return nil }
    guard let flag = value.bool else {
      throw WeightmillError(.malformed, location, "\(quoted(name)) is not true or false")
    }
    return flag
  }

  func text(_ name: String) throws(WeightmillError) -> String? {
    guard let value = object.nonNull(name) else { return nil }
    guard let text = value.string else {
      throw WeightmillError(.malformed, location, "\(quoted(name)) is not a text")
    }
    return text
  }
}
