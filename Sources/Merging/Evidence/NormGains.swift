import WeightmillLLaMA
import WeightmillTensors

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
