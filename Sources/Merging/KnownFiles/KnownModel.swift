/// A model whose published files are known by their SHA-256.
package enum KnownModel: String, CaseIterable, Sendable {
  /// Meta's 7B, in Meta's layout.
  case llama7B = "Meta LLaMA 7B"
  /// Meta's 13B, in Meta's layout.
  case llama13B = "Meta LLaMA 13B"
  /// Meta's 30B folder, in Meta's layout.
  case llama33B = "Meta LLaMA 33B"
  /// Meta's 13B, converted to Hugging Face's layout.
  case llama13BHuggingFace = "LLaMA 13B in Hugging Face's layout"
  /// The delta of version 1.
  case ziya = "Ziya-LLaMA-13B-v1"
  /// The delta of version 1.1.
  case ziya11 = "Ziya-LLaMA-13B-v1.1"
  /// The delta of the model before fine-tuning.
  case ziyaPretrain = "Ziya-LLaMA-13B-Pretrain-v1"
  /// Version 1.1, its delta added.
  case ziya11Merged = "Ziya-LLaMA-13B-v1.1, merged"

  /// The nature of a model's weights.
  package enum Nature: Sendable {
    /// A model by itself.
    case whole
    /// A delta, and the bases it was made for.
    case delta(bases: [KnownModel])
    /// Whole, and the delta has been added.
    case merged
  }

  /// The nature of a model's weights.
  package var nature: Nature {
    switch self {
    case .llama7B, .llama13B, .llama33B, .llama13BHuggingFace: .whole
    case .ziya, .ziya11, .ziyaPretrain: .delta(bases: [.llama13B, .llama13BHuggingFace])
    case .ziya11Merged: .merged
    }
  }

  /// The model's vocabulary.
  var vocabulary: KnownVocabulary {
    switch self {
    case .llama7B, .llama13B, .llama33B, .llama13BHuggingFace: .llama
    case .ziya, .ziya11, .ziyaPretrain, .ziya11Merged: .ziya
    }
  }

  /// The width, the number of layers and the embedding rows.
  var sizes: (hidden: Int, layers: Int, rows: Int) {
    switch self {
    case .llama7B: (4096, 32, 32_000)
    case .llama13B, .llama13BHuggingFace: (5120, 40, 32_000)
    case .llama33B: (6656, 60, 32_000)
    case .ziya, .ziya11, .ziyaPretrain, .ziya11Merged: (5120, 40, 39_424)
    }
  }
}

/// A vocabulary whose published file is known by its SHA-256.
package enum KnownVocabulary: String, Sendable {
  /// The 32,000 tokens of LLaMA 1.
  case llama = "LLaMA's tokenizer"
  /// The tokens of LLaMA, and Chinese characters.
  case ziya = "Ziya's tokenizer"
}
