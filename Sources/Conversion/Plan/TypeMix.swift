import LLaMA
import Tensors

/// Which tensor gets which type, under the name llama.cpp has for the mix.
public enum TypeMix: String, CaseIterable, Sendable {
  case f32 = "F32"
  case f16 = "F16"
  case bf16 = "BF16"
  case q8_0 = "Q8_0"
  case q6_K = "Q6_K"
  case q4_0 = "Q4_0"

  /// The mix of a name, in any case of letters.
  ///
  /// - Parameter name: The name, such as `q4_0`.
  public init?(name: String) {
    guard let mix = Self.allCases.first(where: { $0.rawValue == name.uppercased() }) else {
      return nil
    }
    self = mix
  }

  /// llama.cpp's number for the mix, `general.file_type`.
  public var fileType: UInt32 {
    switch self {
    case .f32: 0
    case .f16: 1
    case .q4_0: 2
    case .q8_0: 7
    case .q6_K: 18
    case .bf16: 32
    }
  }

  /// The type of most matrices.
  private var baseType: TensorType {
    switch self {
    case .f32: .f32
    case .f16: .f16
    case .bf16: .bf16
    case .q8_0: .q8_0
    case .q6_K: .q6_K
    case .q4_0: .q4_0
    }
  }

  /// The type of a tensor, and why it is not the usual one if it is not.
  ///
  /// The rules are llama.cpp's (section 1.4 of `formats/quantization.md`): norms are F32; the
  /// output matrix is Q6_K in mixes below Q8_0; a row that is not a multiple of the block falls
  /// back to a type with smaller blocks.
  ///
  /// - Parameters:
  ///   - role: What the tensor is for.
  ///   - columns: The length of its rows.
  ///   - isOutput: Whether it serves as the output matrix: tied embeddings do.
  /// - Returns: The type, and the one the mix asks for if the rows do not allow it.
  func type(
    of role: TensorRole, columns: Int, isOutput: Bool
  ) -> (type: TensorType, fallbackFrom: TensorType?) {
    if role.isNorm { return (.f32, nil) }
    var wanted = baseType
    if isOutput, self == .q4_0 {
      wanted = columns % baseType.valuesPerBlock == 0 ? .q6_K : .q8_0
    }
    if columns % wanted.valuesPerBlock == 0 { return (wanted, nil) }
    let smaller = wanted == .q6_K ? TensorType.q8_0 : .f16
    return (columns % smaller.valuesPerBlock == 0 ? smaller : .f16, wanted)
  }
}
