import WeightmillGGUF
import WeightmillLLaMA
import WeightmillMerging
import WeightmillModels
import WeightmillStrictJSON
import WeightmillTensors
import WeightmillTokenization

/// The `config.json` of a folder that is written for transformers.
///
/// It is the source's with the few values that the written tensors decide; for Meta's layout, which
/// has none, it is made of the model's sizes.
enum ConfigurationFile {
  static let name = "config.json"

  /// Makes the content of the file for a model from a GGUF file.
  ///
  /// - Parameters:
  ///   - model: The model, with the tensors that are written.
  ///   - special: The tokens with a role, as far as the file says them.
  ///   - metadata: The file's metadata.
  ///   - type: The type of the written tensors.
  /// - Returns: The content, and what the user should know.
  /// - Throws: `unsupported` for what no `config.json` can say.
  static func content(
    ofGGUF model: LlamaModel, _ special: Vocabulary.Special?, _ metadata: GGUFMetadata,
    type: TensorType
  ) throws(WeightmillError) -> (object: JSONObject, notes: [String]) {
    let rotation = try DescribedRotation(model, metadata)
    let biases = model.roles.compactMap { role -> TensorRole.LayerTensor? in
      if case .layer(_, let tensor) = role, role.isBias { tensor } else { nil }
    }
    var object =
      DescribedModel(model.configuration, rotation: rotation, biases: Set(biases)).object
    // Classes have ids of their own where a file says none.
    for role in [Vocabulary.Role.bos, .eos, .padding] {
      object[role.idKey] = special?[role].map { .number("\($0)") } ?? .null
    }
    correct(&object, model.configuration, type)
    return (object, rotation.notes)
  }

  /// Makes the file's content.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - folder: The folder whose `config.json` is taken, if it has one.
  ///   - type: The type of the written tensors.
  /// - Returns: The content, and what the user should know.
  /// - Throws: `mismatch` when the file describes another model; the errors of reading.
  static func content(
    _ model: LoadedModel, folder: Folder?, type: TensorType
  ) throws(WeightmillError) -> (object: JSONObject, notes: [String]) {
    let configuration = model.llama.configuration
    var object = JSONObject(members: [])
    var notes: [String] = []
    if let folder, folder.contains(name) {
      object = try source(folder.path(name), configuration)
      let repair = FolderRepair(
        model.tokenizer?.vocabulary, rows: configuration.vocabularyRows,
        hasTokenizerJSON: folder.contains("tokenizer.json"))
      let repairs = repair.repair(&object, name)
      if !repairs.isEmpty {
        notes = [
          "\(folder.path(name)) was copied with changes: \(repairs.joined(separator: ", "))"
        ]
      }
    } else {
      object = DescribedModel(configuration, rotation: DescribedRotation(configuration)).object
      let special = model.tokenizer?.vocabulary.special
      for (key, id) in [
        ("bos_token_id", special?.bos), ("eos_token_id", special?.eos),
        ("pad_token_id", special?.padding),
      ] {
        if let id { object[key] = .number("\(id)") }
      }
    }
    correct(&object, configuration, type)
    return (object, notes)
  }

  private static func source(
    _ path: String, _ configuration: LlamaConfiguration
  ) throws(WeightmillError) -> JSONObject {
    let json = LlamaConfiguration.textFields(try TextInput.json(path))
    // A delta's may be that of a model that sees; what is written does not.
    let described = try LlamaConfiguration(
      huggingFace: json, location: path, alsoNamed: VisionTensors.modelTypes)
    guard let object = json.object, described.describesSameModel(as: configuration) else {
      throw WeightmillError(
        .mismatch, path, "has other sizes than the model beside it",
        remedy: "remove the file that does not belong to the model")
    }
    return object
  }

  /// Names the class in transformers: LLaMA's was `LLaMAForCausalLM` before version 4.28, in files
  /// that still go round.
  private static func name(_ architecture: Architecture, in object: inout JSONObject) {
    object["architectures"] = .array([.string(architecture.huggingFaceClass)])
    object["model_type"] = .string(architecture.huggingFaceType)
  }

  /// Sets what the written tensors decide, and mends what transformers stumbles over.
  private static func correct(
    _ object: inout JSONObject, _ configuration: LlamaConfiguration, _ type: TensorType
  ) {
    name(configuration.architecture, in: &object)
    // What is written is not quantized any more.
    for key in Checkpoint.quantizationKeys { object[key] = nil }
    object["vocab_size"] = .number("\(configuration.vocabularyRows)")
    // An adapter may give the output matrix values of its own.
    let ties = object["tie_word_embeddings"]?.bool ?? configuration.architecture.tiesByDefault
    if !configuration.tiesEmbeddings, ties {
      object["tie_word_embeddings"] = .bool(false)
    }
    // Version 4.56 renamed the key, and still reads the old one.
    let keys = ["torch_dtype", "dtype"].filter { object[$0] != nil }
    for key in keys.isEmpty ? ["torch_dtype"] : keys {
      object[key] = .string(type.torchName)
    }
  }
}

extension LlamaConfiguration {
  /// Whether two files describe the same model; the vocabulary is what the tensors say, and only
  /// some files tell the context length, or under which of its names LLaMA's graph is published.
  fileprivate func describesSameModel(as other: LlamaConfiguration) -> Bool {
    architecture.name == other.architecture.name && hiddenSize == other.hiddenSize
      && layerCount == other.layerCount
      && headCount == other.headCount && keyValueHeadCount == other.keyValueHeadCount
      && headDimension == other.headDimension && feedForwardSize == other.feedForwardSize
      && normEpsilon == other.normEpsilon && ropeBase == other.ropeBase
      && rotaryScaling == other.rotaryScaling
  }
}

extension TensorType {
  /// The name that PyTorch has for the type, as `config.json` spells it.
  fileprivate var torchName: String {
    switch self {
    case .f64: "float64"
    case .f32: "float32"
    case .bf16: "bfloat16"
    default: "float16"
    }
  }
}
