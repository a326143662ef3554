package import WeightmillTensors

/// A choice of types for tensors, under the name llama.cpp has for the mix.
///
/// `type(of:in:columns:)` applies the rules of `TypeMix+Rules.swift`.
public enum TypeMix: String, CaseIterable, Sendable {
  /// F32 for every matrix.
  case f32 = "F32"
  /// F16 for every matrix.
  case f16 = "F16"
  /// BF16 for every matrix.
  case bf16 = "BF16"
  /// Q8_0 for most matrices.
  case q8_0 = "Q8_0"
  /// Q6_K for most matrices.
  case q6_K = "Q6_K"
  /// Q5_K for most matrices, the medium mix.
  case q5_K_M = "Q5_K_M"
  /// Q5_K for most matrices, the small mix.
  case q5_K_S = "Q5_K_S"
  /// Q5_1 for most matrices.
  case q5_1 = "Q5_1"
  /// Q5_0 for most matrices.
  case q5_0 = "Q5_0"
  /// Q4_K for most matrices, the medium mix.
  case q4_K_M = "Q4_K_M"
  /// Q4_K for most matrices, the small mix.
  case q4_K_S = "Q4_K_S"
  /// Q4_1 for most matrices.
  case q4_1 = "Q4_1"
  /// Q4_0 for most matrices.
  case q4_0 = "Q4_0"
  /// IQ4_NL for most matrices.
  case iq4_NL = "IQ4_NL"
  /// IQ4_XS for most matrices.
  case iq4_XS = "IQ4_XS"
  /// Q3_K for most matrices, the large mix.
  case q3_K_L = "Q3_K_L"
  /// Q3_K for most matrices, the medium mix.
  case q3_K_M = "Q3_K_M"
  /// Q3_K for most matrices, the small mix.
  case q3_K_S = "Q3_K_S"
  /// IQ3_S for most matrices, the medium mix.
  case iq3_M = "IQ3_M"
  /// IQ3_S for most matrices.
  case iq3_S = "IQ3_S"
  /// IQ3_S for most matrices, fewer bits for some.
  case iq3_XS = "IQ3_XS"
  /// IQ3_XXS for most matrices.
  case iq3_XXS = "IQ3_XXS"
  /// Q2_K for most matrices, more for those that matter most.
  case q2_K = "Q2_K"
  /// Q2_K for most matrices, the small mix.
  case q2_K_S = "Q2_K_S"
  /// IQ2_S for most matrices, the medium mix.
  case iq2_M = "IQ2_M"
  /// IQ2_XS for most matrices, the small mix.
  case iq2_S = "IQ2_S"
  /// IQ2_XS for most matrices.
  case iq2_XS = "IQ2_XS"
  /// IQ2_XXS for most matrices.
  case iq2_XXS = "IQ2_XXS"
  /// IQ1_M for most matrices.
  case iq1_M = "IQ1_M"
  /// IQ1_S for most matrices.
  case iq1_S = "IQ1_S"
  /// TQ2_0 for most matrices.
  case tq2_0 = "TQ2_0"
  /// TQ1_0 for most matrices.
  case tq1_0 = "TQ1_0"
  /// Q2_0 for most matrices.
  case q2_0 = "Q2_0"
  /// Q1_0 for most matrices.
  case q1_0 = "Q1_0"
  /// MXFP4 for the matrices of experts, Q8_0 for the others.
  case mxfp4_MoE = "MXFP4_MOE"

  /// The mixes that have a second, shorter name.
  package static let aliases: [String: TypeMix] = [
    "Q3_K": .q3_K_M, "Q4_K": .q4_K_M, "Q5_K": .q5_K_M,
  ]

  /// The mix of a name, in any case of letters.
  ///
  /// - Parameter name: The name, such as `q4_k_m`.
  public init?(name: String) {
    let name = name.uppercased()
    guard let mix = Self(rawValue: name) ?? Self.aliases[name] else { return nil }
    self = mix
  }

  /// llama.cpp's number for the mix, `general.file_type`.
  package var fileType: UInt32 { numbers.fileType }

  /// The type of most matrices.
  package var baseType: TensorType { numbers.base }

  private var numbers: (fileType: UInt32, base: TensorType) {
    switch self {
    case .f32: (0, .f32)
    case .f16: (1, .f16)
    case .q4_0: (2, .q4_0)
    case .q4_1: (3, .q4_1)
    case .q8_0: (7, .q8_0)
    case .q5_0: (8, .q5_0)
    case .q5_1: (9, .q5_1)
    case .q2_K: (10, .q2_K)
    case .q3_K_S: (11, .q3_K)
    case .q3_K_M: (12, .q3_K)
    case .q3_K_L: (13, .q3_K)
    case .q4_K_S: (14, .q4_K)
    case .q4_K_M: (15, .q4_K)
    case .q5_K_S: (16, .q5_K)
    case .q5_K_M: (17, .q5_K)
    case .q6_K: (18, .q6_K)
    case .iq2_XXS: (19, .iq2_XXS)
    case .iq2_XS: (20, .iq2_XS)
    case .q2_K_S: (21, .q2_K)
    case .iq3_XS: (22, .iq3_S)
    case .iq3_XXS: (23, .iq3_XXS)
    case .iq1_S: (24, .iq1_S)
    case .iq4_NL: (25, .iq4_NL)
    case .iq3_S: (26, .iq3_S)
    case .iq3_M: (27, .iq3_S)
    case .iq2_S: (28, .iq2_XS)
    case .iq2_M: (29, .iq2_S)
    case .iq4_XS: (30, .iq4_XS)
    case .iq1_M: (31, .iq1_M)
    case .bf16: (32, .bf16)
    case .tq1_0: (36, .tq1_0)
    case .tq2_0: (37, .tq2_0)
    case .mxfp4_MoE: (38, .mxfp4)
    case .q1_0: (40, .q1_0)
    case .q2_0: (41, .q2_0)
    }
  }
}
