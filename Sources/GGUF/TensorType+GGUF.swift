package import WeightmillTensors

/// The numbers that GGUF files and ggml use for types.
extension TensorType {
  private static let codes: [(TensorType, UInt32)] = [
    (.f32, 0), (.f16, 1), (.q4_0, 2), (.q4_1, 3), (.q5_0, 6), (.q5_1, 7), (.q8_0, 8), (.q8_1, 9),
    (.q2_K, 10), (.q3_K, 11), (.q4_K, 12), (.q5_K, 13), (.q6_K, 14), (.q8_K, 15), (.iq2_XXS, 16),
    (.iq2_XS, 17), (.iq3_XXS, 18), (.iq1_S, 19), (.iq4_NL, 20), (.iq3_S, 21), (.iq2_S, 22),
    (.iq4_XS, 23), (.i8, 24), (.i16, 25), (.i32, 26), (.i64, 27), (.f64, 28), (.iq1_M, 29),
    (.bf16, 30), (.tq1_0, 34), (.tq2_0, 35), (.mxfp4, 39), (.nvfp4, 40), (.q1_0, 41), (.q2_0, 42),
  ]

  /// The type's number in a GGUF file, or `nil` when GGUF has no such type.
  package var ggufCode: UInt32? { Self.codes.first { $0.0 == self }?.1 }

  /// The type of a number in a GGUF file; `nil` for unknown and retired numbers.
  ///
  /// - Parameter code: The number.
  package init?(ggufCode code: UInt32) {
    guard let type = Self.codes.first(where: { $0.1 == code })?.0 else { return nil }
    self = type
  }
}
