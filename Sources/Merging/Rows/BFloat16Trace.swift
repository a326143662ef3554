import WeightmillLLaMA
import WeightmillTensors

/// Whether a base passed through bfloat16, which takes three bits of each binary16 number.
///
/// Converters of LLaMA to Hugging Face's layout did so from August 2023 on, and wrote F16
/// afterwards or not. Source: transformers issue 25446.
struct BFloat16Trace {
  /// The smallest share of values with at most 8 significant bits. F16 has 1 in 8 by chance.
  private static let smallestShare = 0.95

  /// Notes for the user.
  let notes: [String]

  /// Judges a base.
  ///
  /// - Parameters:
  ///   - base: The base.
  ///   - delta: The delta, whose configuration tells which family the base must be of.
  ///   - shortShare: The share of the base's values with at most 8 significant bits.
  init(_ base: LlamaModel, _ delta: LlamaModel, shortShare: Double?) {
    let isTyped = base.tensor(.layer(0, .attentionOutput))?.type == .bf16
    guard isTyped || shortShare ?? 0 >= Self.smallestShare else {
      notes = []
      return
    }
    let found =
      isTyped
      ? "the base's tensors are BF16"
      : "the base passed through BF16: \(Int(((shortShare ?? 0) * 100).rounded())) % of its values "
        + "have at most 8 bits, where 12 % of F16 numbers do"
    let meaning =
      delta.configuration.isLlama1
      ? "LLaMA 1 was published in F16, so three bits of each value are lost and the result is not "
        + "the published one; better convert Meta's consolidated.*.pth (or is it Llama 2, which "
        + "was published in BF16?)"
      : "if it was published in F16, three bits of each value are lost"
    notes = ["\(found): \(meaning)"]
  }
}

extension LlamaConfiguration {
  /// Whether sizes and constants are those of a LLaMA 1 model, whatever its vocabulary.
  ///
  /// Llama 2 has an epsilon of 1e-5, but so has LLaMA 1, 65B.
  fileprivate var isLlama1: Bool {
    switch (hiddenSize, layerCount) {
    case (4096, 32), (5120, 40), (6656, 60):
      normEpsilon == 1e-6 && ropeBase == 10_000 && headCount == keyValueHeadCount
    default: false
    }
  }
}
