/// The tensors that a model which sees pictures has beside its language model's.
package enum VisionTensors {
  private static let parts: Set<String> = [
    "mm_projector", "multi_modal_projector", "vision_model", "vision_tower",
  ]

  /// The `model_type` of configurations whose language model is LLaMA's.
  package static let modelTypes: Set<String> = ["llava", "llava_llama"]

  /// Whether a tensor is one of them: `model.mm_projector.weight` and its like.
  ///
  /// Source: LLaVA's `apply_delta.py`.
  ///
  /// - Parameter name: The tensor's name.
  /// - Returns: Whether it is.
  package static func contains(_ name: String) -> Bool {
    name.split(separator: ".").contains { parts.contains(String($0)) }
  }
}
