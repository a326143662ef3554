public import WeightmillConversion
import WeightmillTensors

/// How large a file may be.
public enum SizeTarget: Equatable, Sendable {
  /// So many bytes, all files together.
  case bytes(Int)
  /// So many bits for each value of all tensors, headers not counted, as llama.cpp shows them.
  case bitsPerWeight(Double)
  /// The size that a mix makes.
  case mix(TypeMix)

  /// The error of a size that not even the smallest types make.
  ///
  /// - Parameters:
  ///   - plan: A plan of the file.
  ///   - leastBytes: The size of the smallest file that the types make.
  ///   - values: The number of values of all tensors.
  ///   - missing: How many bytes the size that was asked for lacks.
  /// - Returns: The error, with what can be asked for instead.
  func isTooSmall(
    _ plan: ConversionPlan, leastBytes: Int, values: Int, missing: Int
  ) -> WeightmillError {
    let others = "or smaller types with --types"
    let remedy: String
    switch self {
    case .bytes: remedy = "give --target-size \(leastBytes) or more, \(others)"
    case .bitsPerWeight(let bits):
      let least = bits + 8 * Double(missing) / Double(max(1, values))
      remedy = "give --target-bpw \((least * 1000).rounded(.up) / 1000) or more, \(others)"
    case .mix: remedy = "name a larger mix, \(others)"
    }
    return WeightmillError(
      .usage, plan.source.location,
      "cannot be made so small: the smallest file of these types has \(leastBytes) bytes, "
        + "\(missing) too many", remedy: remedy)
  }
}
