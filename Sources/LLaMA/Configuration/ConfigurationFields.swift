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

  /// The fields that give factors which LLaMA does not have.
  func scales(
    of architecture: Architecture, width: Int, layers: Int
  ) throws(WeightmillError) -> ModelScales {
    var scales = ModelScales()
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
    let usual = (1...max(layers, 1)).map { $0 % interval == 0 ? 0 : 1 }
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
