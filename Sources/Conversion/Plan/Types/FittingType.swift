package import WeightmillTensors

/// A type whose blocks fill rows of some length: the wanted one, or the one llama.cpp takes instead.
package struct FittingType: Equatable, Sendable {
  /// The type.
  package let type: TensorType
  /// The wanted type, if the length of the rows did not allow it.
  package let fallbackFrom: TensorType?

  private init(type: TensorType, fallbackFrom: TensorType?) {
    self.type = type
    self.fallbackFrom = fallbackFrom
  }

  /// The type that a tensor has already.
  init(kept type: TensorType) { self.init(type: type, fallbackFrom: nil) }

  /// Finds the type for rows.
  ///
  /// Returns `nil` for Q1_0, in whose place llama.cpp takes none.
  ///
  /// - Parameters:
  ///   - wanted: The wanted type.
  ///   - columns: The length of the rows.
  package init?(_ wanted: TensorType, columns: Int) {
    guard columns % wanted.valuesPerBlock != 0 else {
      self.init(type: wanted, fallbackFrom: nil)
      return
    }
    guard let smaller = Self.smaller(wanted) else { return nil }
    let fits = columns % smaller.valuesPerBlock == 0
    self.init(type: fits ? smaller : .f16, fallbackFrom: wanted)
  }

  /// The same type, taken in the place of another one.
  func wanted(_ type: TensorType) -> FittingType {
    FittingType(type: self.type, fallbackFrom: type)
  }

  /// The type with blocks of 32 values, or one by one, in the place of one with larger blocks.
  private static func smaller(_ type: TensorType) -> TensorType? {
    switch type {
    case .iq1_S, .iq1_M, .iq2_XXS, .iq2_XS, .iq2_S, .iq3_XXS, .iq3_S, .iq4_XS: .iq4_NL
    case .q2_0, .q2_K, .q3_K, .tq1_0, .tq2_0: .q4_0
    case .q4_K: .q5_0
    case .q5_K: .q5_1
    case .q6_K: .q8_0
    case .q1_0: nil
    default: .f16
    }
  }
}
