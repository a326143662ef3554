import WeightmillTensors

/// The name of an adapter's tensor: its module, and its part of the update.
///
/// PEFT writes `base_model.model.` + the module's name in the base + what the tensor is for, with or
/// without the adapter's own name in it: `….q_proj.lora_A.weight`, `….q_proj.lora_A.default.weight`.
struct AdapterTensorName {
  /// The part of an update that a tensor is.
  enum Part: Hashable {
    /// A of W + B·A.
    case a
    /// B of W + B·A.
    case b
    /// A of an embedding, [rank, tokens].
    case embeddingA
    /// B of an embedding, [width, rank].
    case embeddingB
    /// The module's whole weights, under the name that marks them as trained with the adapter.
    case saved
    /// The module's whole weights, under the module's own name.
    case whole
    /// The base's own weights, which older versions of PEFT saved along.
    case original
    /// Something that belongs to another kind of LoRA.
    case unsupported(String)
  }

  private static let prefix = "base_model.model."

  /// The module's name in the base.
  let module: String
  let part: Part
  /// Whether it is the module's bias that the adapter holds, not its weights.
  let isBias: Bool

  /// Reads a name; `nil` for names that PEFT does not write.
  init?(_ name: String) {
    guard name.hasPrefix(Self.prefix) else { return nil }
    let parts = name.dropFirst(Self.prefix.count)
      .split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    isBias = parts.last == "bias"
    guard let marker = parts.firstIndex(where: { Self.markers.contains($0) }) else {
      guard parts.count > 1, isBias || parts.last == "weight" else { return nil }
      (module, part) = (parts.dropLast().joined(separator: "."), .whole)
      return
    }
    guard marker > 0, let part = Self.part(parts[marker], Array(parts[(marker + 1)...])) else {
      return nil
    }
    (module, self.part) = (parts[..<marker].joined(separator: "."), part)
  }

  private static let markers: Set<String> = [
    "lora_A", "lora_B", "lora_embedding_A", "lora_embedding_B", "modules_to_save",
    "original_module", "base_layer", "lora_magnitude_vector", "token_adapter",
  ]

  /// The meaning of a marker with what follows it, in which an adapter's name may stand first.
  private static func part(_ marker: String, _ rest: [String]) -> Part? {
    let isWeight = rest == ["weight"] || (rest.count == 2 && rest[1] == "weight")
    switch marker {
    case "lora_embedding_A": return rest.count < 2 ? .embeddingA : nil
    case "lora_embedding_B": return rest.count < 2 ? .embeddingB : nil
    case "lora_magnitude_vector": return .unsupported("DoRA")
    case "token_adapter": return .unsupported("single trained tokens")
    case "lora_B" where rest.last == "bias": return .unsupported("biases")
    case "original_module", "base_layer":
      guard rest == ["weight"] || rest == ["bias"] else { return nil }
      return marker == "base_layer" ? .whole : .original
    case "lora_A": return isWeight ? .a : nil
    case "lora_B": return isWeight ? .b : nil
    default:
      return isWeight || rest == ["bias"] || (rest.count == 2 && rest[1] == "bias") ? .saved : nil
    }
  }

  /// Whether a name is that of a LoRA adapter's tensor.
  static func isUpdate(_ name: String) -> Bool {
    switch AdapterTensorName(name)?.part {
    case .a, .b, .embeddingA, .embeddingB: true
    default: false
    }
  }
}
