package import WeightmillLLaMA
import WeightmillTensors

/// llama.cpp's rules, but those that it has for single architectures (Falcon): section 1.4 of
/// `formats/quantization.md`.
///
/// For each kind of tensor the first line that applies gives the type; where none does, the type
/// is the mix's base type. `formats/vectors/typemaps.txt` is what llama.cpp itself chooses.
extension TypeMix {
  private static let iq1: Set<TypeMix> = [.iq1_S, .iq1_M]
  private static let iq2: Set<TypeMix> = [.iq2_XXS, .iq2_XS, .iq2_S, .iq2_M]
  private static let scalars: Set<TypeMix> = [.f32, .f16, .bf16]
  private static let all = Set(allCases)
  /// The mixes in which eight experts have an effect on attention.
  private static let searched = all.subtracting(scalars).subtracting(iq1).subtracting(iq2)
    .subtracting([.mxfp4_MoE])

  private static let output: [MixRule] = [
    MixRule([.q8_0, .mxfp4_MoE], .q8_0),
    MixRule(iq1.union(iq2).union([.iq3_XXS]), .q5_K),
    MixRule(all.subtracting(scalars), .q6_K),
  ]

  private static let tokenEmbedding: [MixRule] = [
    MixRule(iq1.union([.iq2_XXS, .iq2_XS]), .q2_K),
    MixRule([.iq2_S, .iq2_M, .iq3_XXS], .iq3_S),
    MixRule([.tq1_0, .tq2_0, .q2_0], .q4_K),
  ]

  private static let value: [MixRule] = [
    MixRule(searched, .q8_0, when: .experts(8)),
    MixRule(iq1.union(iq2), .q4_K, when: .expertsAtLeast(4)),
    MixRule(iq1.union(iq2), .q4_K, when: .grouped),
    MixRule([.iq2_S, .iq2_M], .iq3_S),
    MixRule(iq1.union(iq2), .q2_K),
    MixRule([.q2_K, .q2_K_S], .q4_K, when: .grouped),
    MixRule([.q2_K], .q3_K),
    MixRule([.iq3_XXS, .iq3_XS, .iq3_S], .q4_K, when: .grouped),
    MixRule([.iq3_XXS], .iq3_S, when: .withoutImportance),
    MixRule([.iq3_M], .q4_K),
    MixRule([.q3_K_M], .q5_K, when: .firstLayers(2)),
    MixRule([.q3_K_M], .q4_K),
    MixRule([.q3_K_L], .q5_K),
    MixRule([.iq4_NL, .iq4_XS], .q5_K, when: .grouped),
    MixRule([.q4_K_M, .q5_K_M], .q6_K, when: .moreBits),
    MixRule([.q4_K_S], .q5_K, when: .firstLayers(4)),
  ]

  private static let query: [MixRule] = [
    MixRule([.iq3_XS], .iq3_XXS),
    MixRule([.iq3_XXS], .iq2_S),
  ]

  private static let key: [MixRule] =
    [
      MixRule(searched, .q8_0, when: .experts(8)),
      MixRule(iq1.union(iq2), .q4_K, when: .experts(8)),
    ] + query

  private static let down: [MixRule] = [
    MixRule([.iq2_S, .iq2_M], .iq3_S, when: .firstPart(8)),
    MixRule(iq1.union(iq2).subtracting([.iq2_S, .iq2_M]), .q2_K, when: .firstPart(8)),
    MixRule([.q2_K], .q3_K),
    MixRule([.q2_K_S, .iq3_M], .q4_K, when: .firstPart(8)),
    MixRule([.iq3_M], .q4_K, when: .experts(8), .moreBits),
    MixRule([.iq3_XXS], .q4_K, when: .withoutImportance, .firstPart(8)),
    MixRule([.iq3_XXS], .q3_K, when: .withoutImportance),
    MixRule([.q3_K_M], .q5_K, when: .firstPart(16)),
    MixRule([.q3_K_M], .q4_K),
    MixRule([.q3_K_L], .q5_K),
    MixRule([.iq4_NL, .iq4_XS], .q5_K, when: .withoutImportance, .firstPart(8)),
    MixRule([.q4_K_M, .q5_K_M], .q6_K, when: .moreBits),
    MixRule([.q4_K_S], .q5_K, when: .firstPart(8)),
    MixRule([.q4_0], .q4_1, when: .withImportance, .firstPart(8)),
    MixRule([.q5_0], .q5_1, when: .withImportance, .firstPart(8)),
  ]

  private static let attentionOutput: [MixRule] = [
    MixRule(
      iq1.union(iq2).union([
        .q2_K, .iq3_XS, .iq3_XXS, .q3_K_S, .q3_K_M, .iq4_NL, .q4_K_S, .q4_K_M, .iq3_S, .iq3_M,
        .iq4_XS,
      ]), .q5_K, when: .experts(8)),
    MixRule([.q3_K_L], .q3_K, when: .experts(8)),
    MixRule(iq1, .iq2_XXS),
    MixRule([.iq2_S, .iq2_M, .iq3_XXS], .iq3_S),
    MixRule([.q2_K], .q3_K),
    MixRule([.q3_K_M, .iq3_M], .q4_K),
    MixRule([.q3_K_L], .q5_K),
  ]

  private static let gateAndUp: [MixRule] = [
    MixRule([.iq3_XS], .iq3_XXS, when: .middle)
  ]

  /// The lines for a kind of tensor.
  private static func rules(_ category: TensorCategory, _ model: MixedModel) -> [MixRule] {
    switch category {
    case .output: output
    case .tokenEmbedding: model.tiesEmbeddings ? output : tokenEmbedding
    case .query: query
    case .key: key
    case .value: value
    case .attentionOutput: attentionOutput
    case .gate, .up: gateAndUp
    case .down: down
    case .other: []
    }
  }

  /// The type that the mix wants for a matrix, whatever the length of its rows.
  private func wanted(
    _ category: TensorCategory, index: Int, _ model: MixedModel, isExpert: Bool
  ) -> TensorType {
    let count = category == .value ? model.valueCount ?? model.layerCount : model.layerCount
    let rule = Self.rules(category, model).first {
      $0.applies(to: self, model, index: index, of: count)
    }
    // Matrices of experts alone are MXFP4.
    let type = rule?.type ?? (self == .mxfp4_MoE && !isExpert ? .q8_0 : baseType)
    if category == .value, !Self.iq1.union(Self.iq2).contains(self), model.layerCount == 80,
      model.headCount != model.keyValueHeadCount, type == .q3_K || type == .q4_K
    {
      // 70B: eight heads share one head of values, so that more bits there cost little.
      return .q5_K
    }
    return type
  }

  /// The type of a matrix.
  ///
  /// - Parameters:
  ///   - role: What the matrix is for; one that is not known gets the type of most matrices.
  ///   - model: What else the rules look at.
  ///   - columns: The length of its rows.
  /// - Returns: The type; `nil` when no type takes rows of that length in place of the mix's.
  package func type(
    of role: TensorRole?, in model: MixedModel, columns: Int
  ) -> FittingType? {
    var layer = 0
    if case .layer(let number, _)? = role { layer = number }
    return type(of: TensorCategory(role), index: layer, in: model, columns: columns)
  }

  /// The type of a matrix of any architecture.
  ///
  /// - Parameters:
  ///   - category: What its name says that it is.
  ///   - index: Which of its kind it is: the layer, where every layer has one.
  ///   - model: What else the rules look at.
  ///   - columns: The length of its rows.
  ///   - isExpert: Whether it holds the matrices of several experts.
  /// - Returns: The type; `nil` when no type takes rows of that length in place of the mix's.
  func type(
    of category: TensorCategory, index: Int, in model: MixedModel, columns: Int,
    isExpert: Bool = false
  ) -> FittingType? {
    let wanted = wanted(category, index: index, model, isExpert: isExpert)
    let isOutput =
      category == .output || (category == .tokenEmbedding && model.tiesEmbeddings)
    if isOutput, wanted != .q8_0, columns % baseType.valuesPerBlock != 0 {
      // llama.cpp looks at the blocks of the mix, not at those of the output matrix.
      return FittingType(.q8_0, columns: columns)?.wanted(wanted)
    }
    return FittingType(wanted, columns: columns)
  }
}
