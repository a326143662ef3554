package import WeightmillLLaMA
package import WeightmillTensors

/// Whether weights are a whole model's or differences to another's.
///
/// The gains of a trained model's norms are positive and of the order of 0.1 to 10; those of a
/// delta are small, or of either sign. On mini-ziya: no negative gain and a root mean square of
/// 0.74 in the base, 95 % and 0.041 in the delta.
package enum ModelNature: Sendable {
  case whole
  case delta

  /// The largest root mean square of the layers' gains that only a delta has.
  static let largestDelta = 0.02
  /// The largest share of negative gains that passes for a whole model.
  static let largestNegativeShare = 0.2

  /// Looks at the gains of all layers' norms.
  ///
  /// - Parameter model: The model.
  /// - Throws: Reading errors.
  package init(_ model: LlamaModel) throws(WeightmillError) {
    // Gains that are stored less one are of either sign in whole models, too.
    self = model.gainOffset == 0 ? Self(try NormGains(model)) : .whole
  }

  /// Judges the gains of all layers' norms.
  init(_ gains: NormGains) {
    self =
      gains.negativeShare > Self.largestNegativeShare || gains.size < Self.largestDelta
      ? .delta : .whole
  }

  /// Refuses a delta where a whole model is needed.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - remedy: What the user can do about it.
  /// - Throws: `mismatch` for a delta; reading errors.
  package static func requireWhole(
    _ model: LlamaModel, remedy: String
  ) throws(WeightmillError) {
    guard try ModelNature(model) == .whole else {
      throw WeightmillError(
        .mismatch, model.catalogue.location,
        "holds delta weights, not a whole model: its norms are those of differences",
        remedy: remedy)
    }
  }
}

/// The gains of the norms of all layers, taken together.
struct NormGains {
  /// The share of gains below zero.
  let negativeShare: Double
  /// The root mean square of the gains.
  let size: Double

  /// Reads the gains of both norms of every layer.
  init(_ model: LlamaModel) throws(WeightmillError) {
    var (count, negative, square) = (0, 0, 0.0)
    for role in model.roles where role.isNorm && role != .outputNorm {
      for gain in try RowSample.values(role, model, row: 0) {
        count += 1
        negative += gain < 0 ? 1 : 0
        square += Double(gain) * Double(gain)
      }
    }
    negativeShare = Double(negative) / Double(max(count, 1))
    size = (square / Double(max(count, 1))).squareRoot()
  }
}
