import WeightmillTensors

/// How the values of a type share scales, counted in groups of sixteen values.
struct PartLayout: Sendable {
  /// The values of a group: no part is smaller.
  static let group = 16

  /// The groups of the smallest piece that has a scale of its own, or is worth looking at by itself.
  let groupsPerPart: Int
  /// The groups of a block, or of 32 values stored one by one.
  let groupsPerBlock: Int
  /// The most steps that lie between zero and the largest magnitude of a part.
  let steps: Float
  /// Whether values are stored one by one.
  let isScalar: Bool
  /// The largest value of a scalar type that is narrower than float32; infinite for others.
  let largest: Float

  /// The layout of a type.
  init(_ type: TensorType) {
    groupsPerBlock = max(type.valuesPerBlock, 32) / Self.group
    // Types of three or four levels make sixteen small values zero beside others in their block.
    switch type {
    case .tq1_0, .tq2_0, .q2_0: groupsPerPart = groupsPerBlock
    default: groupsPerPart = 1
    }
    isScalar = type.isScalar
    largest = type == .f16 ? 65504 : .infinity
    switch type {
    case .q8_0, .q8_1, .q8_K: steps = 127
    case .q6_K: steps = 32
    case .q5_0, .q5_1, .q5_K: steps = 31
    case .q4_0, .q4_1, .q4_K, .iq4_NL, .iq4_XS: steps = 15
    default: steps = 8
    }
  }
}
