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

  /// The name that a tensor would have in the language model by itself: `model.norm.weight` of
  /// `language_model.model.norm.weight`, as Gemma 3's files have it, and of
  /// `model.language_model.norm.weight`, as transformers' modules are called.
  ///
  /// - Parameter name: The tensor's name.
  /// - Returns: The name, or `nil` for a tensor of the vision part.
  package static func languageName(_ name: String) -> String? {
    guard !contains(name) else { return nil }
    let part = "language_model."
    if name.hasPrefix(part) { return String(name.dropFirst(part.count)) }
    if name.hasPrefix("model." + part) { return "model." + name.dropFirst(6 + part.count) }
    return name
  }
}
