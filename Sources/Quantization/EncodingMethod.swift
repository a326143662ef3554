/// How an encoder chooses scales.
public enum EncodingMethod: String, CaseIterable, Sendable {
  /// The representable scales with the least weighted error that a search finds.
  case best
  /// The closed forms of llama.cpp, byte for byte: Q8_0, Q4_0, Q4_1, Q5_0, Q5_1 and Q6_K, without
  /// importance.
  case compatible
}
