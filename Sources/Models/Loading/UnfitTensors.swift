import WeightmillLLaMA
import WeightmillTensors

/// The reason why a checkpoint's tensors make no model, told from the tensors themselves.
struct UnfitTensors {
  private let location: String
  private let tensors: [TensorDescriptor]

  /// Tensors of other things, by the parts of their names.
  private struct Kind {
    let parts: Set<String>
    let what: String
    let remedy: String
  }

  private static let known: [Kind] = [
    Kind(
      parts: ["lora_A", "lora_B", "lora_embedding_A", "lora_embedding_B", "base_layer"],
      what: "holds factors of a LoRA that is not merged",
      remedy: HelpTopic.adapters.after(
        "merge it with PEFT's merge_and_unload, save the model, and give that")),
    Kind(
      parts: ["lora_a", "lora_b"], what: "holds factors of a LoRA that is not merged",
      remedy: "merge it with the program that trained it (mlx_lm.fuse), and give the result"),
    Kind(
      parts: ["v_head", "value_head", "reward_head", "rm_head", "regression_head", "critic"],
      what: "holds the head of a reward or value model",
      remedy: "save the language model in it alone (TRL: model.pretrained_model.save_pretrained)"),
    Kind(
      parts: ["score", "classifier", "qa_outputs", "classification_head", "cls"],
      what: "is a classifier (such as LlamaForSequenceClassification), which predicts no tokens",
      remedy: HelpTopic.missingHead.after("give a model with lm_head.weight")),
    Kind(
      parts: ["vision_tower", "vision_model", "mm_projector", "multi_modal_projector", "visual"],
      what: "holds a part that sees, which is not converted",
      remedy: "save its language model alone, and give that"),
    Kind(
      parts: ["experts", "block_sparse_moe"], what: "holds experts, which are not computed",
      remedy: "convert it with llama.cpp's convert_hf_to_gguf.py"),
    Kind(
      parts: ["qkv_proj", "query_key_value", "W_pack", "Wqkv", "gate_up_proj"],
      what: "holds matrices that are fused otherwise than in the models that are read",
      remedy: "convert it with llama.cpp's convert_hf_to_gguf.py"),
    Kind(
      parts: ["medusa_head", "medusa_heads"], what: "holds further heads, of Medusa",
      remedy: "give the model without them"),
  ]

  /// Looks at the tensors of a catalogue.
  ///
  /// - Parameter catalogue: The tensors, under their scheme's names.
  init(_ catalogue: any Catalogue) {
    location = catalogue.location
    tensors = catalogue.tensors
  }

  /// The error for tensors that are no model's; `nil` where nothing is known of them.
  ///
  /// - Parameters:
  ///   - configuration: The model's sizes.
  ///   - scheme: The scheme of the names.
  ///   - file: The file with the configuration, for messages.
  /// - Returns: The error; `nil` where nothing is known of them.
  func error(
    _ configuration: LlamaConfiguration, _ scheme: NamingScheme, file: String?
  ) -> WeightmillError? {
    func role(_ tensor: TensorDescriptor) -> TensorRole? {
      scheme.role(of: tensor.name, in: configuration.architecture)
    }
    if let error = error(amongUnknown: tensors.filter { role($0) == nil }) { return error }
    let empty = tensors.filter { $0.shape.count == 0 }
    if let error = EmptyTensors.error(empty.map(\.name), of: location) { return error }
    // The configurations of other files say nothing of their own on this.
    guard scheme == .huggingFace, !configuration.tiesEmbeddings else { return nil }
    let found = Set(tensors.compactMap(role))
    let missing = TensorRole.all(in: configuration).filter {
      $0.isRequired(in: configuration) && !found.contains($0)
    }
    guard missing == [.output] else { return nil }
    let head = scheme.name(of: .output, in: configuration.architecture)
    return WeightmillError(
      .mismatch, location,
      "lacks \(head), and \(file ?? "its configuration") does not say that the embeddings are tied "
        + "(tie_word_embeddings)",
      remedy: HelpTopic.missingHead.after(
        "fetch or save the whole model; set tie_word_embeddings to true only if it was trained so"))
  }

  /// The error for tensors that have no place in a model, if it is known what they are.
  ///
  /// - Parameter unknown: The tensors.
  /// - Returns: The error; `nil` if nothing is known of them.
  func error(amongUnknown unknown: [TensorDescriptor]) -> WeightmillError? {
    for kind in Self.known {
      let found = unknown.filter { tensor in
        tensor.name.split(separator: ".").contains { kind.parts.contains(String($0)) }
      }
      guard !found.isEmpty else { continue }
      return WeightmillError(
        .unsupported, location,
        "\(kind.what): "
          + TensorFault.summary(found.map { TensorFault($0.name, "") }, limit: 1),
        remedy: kind.remedy)
    }
    return nil
  }
}
