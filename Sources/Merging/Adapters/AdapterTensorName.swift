import WeightmillTensors

/// The name of an adapter's tensor: its module, and its part of the update.
///
/// PEFT writes `base_model.model.` + the module's name in the base + what the tensor is for, with or
/// without the adapter's own name in it: `….q_proj.lora_A.weight`, `….q_proj.lora_A.default.weight`.
/// llama.cpp writes the name of the base's tensor + `.lora_a` or `.lora_b`.
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
    /// The lengths of the merged rows: DoRA.
    case magnitude
    /// A norm's gain in a GGUF adapter, which llama.cpp does not use.
    case gain
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

  /// Reads a name of a GGUF adapter, `blk.0.attn_q.weight.lora_a`; `nil` for names that llama.cpp refuses.
  init?(gguf name: String) {
    isBias = false
    guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return nil }
    let (base, ending) = (String(name[..<dot]), name[dot...])
    if name.hasSuffix("_norm.weight") {
      (module, part) = (base, .gain)
      return
    }
    guard base.hasSuffix(".weight") else { return nil }
    module = String(base.dropLast(".weight".count))
    let isEmbedding = module == "token_embd"
    switch ending {
    case ".lora_a": part = isEmbedding ? .embeddingA : .a
    case ".lora_b": part = isEmbedding ? .embeddingB : .b
    default: return nil
    }
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
    case "lora_magnitude_vector": return isWeight || rest.count < 2 ? .magnitude : nil
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

  /// Whether a name is that of a LoRA adapter's tensor, of PEFT's or llama.cpp's.
  static func isUpdate(_ name: String) -> Bool {
    switch (AdapterTensorName(name) ?? AdapterTensorName(gguf: name))?.part {
    case .a, .b, .embeddingA, .embeddingB: true
    default: false
    }
  }
}
