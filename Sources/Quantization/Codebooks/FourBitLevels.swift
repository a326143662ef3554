/// What four-bit indices stand for in the types that have no even steps.
enum FourBitLevels {
  /// The levels of IQ4_NL and IQ4_XS. Source: `kvalues_iq4nl` of ggml.
  static let uneven: [Float] = [
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
  ]

  /// Twice the numbers with two bits of exponent and one of fraction; the highest bit is the sign.
  ///
  /// In ggml they are integers, so that there is no -0. Source: OCP Microscaling Formats 1.0.
  static let doubledE2M1: [Float] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12]
}
