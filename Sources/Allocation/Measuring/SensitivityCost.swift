import WeightmillLLaMA
import WeightmillTensors

/// What measuring takes, before it begins.
package struct SensitivityCost: Sendable {
  /// The number of matrices.
  package let matrices: Int
  /// The number of tokens that each matrix is measured by.
  package let tokens: Int
  /// The bytes of streams, and of a layer's matrices in one type.
  package let memory: Int
  /// The additions and multiplications of all products.
  package var operations: Double { errors + (behind.last ?? 0) }

  /// The operations of the errors of all types.
  private let errors: Double
  /// The operations of the matrices alone, up to the end of each.
  private let behind: [Double]
  private let layers: Int

  init(
    _ model: LlamaModel, _ matrices: [ModelMatrix], tokens: (text: Int, sample: Int), types: Int,
    groupSize: Int
  ) {
    let weights = matrices.map { Double($0.tensor.shape.count) }
    let layers = model.configuration.layerCount
    self.layers = layers
    self.matrices = matrices.count
    self.tokens = tokens.sample
    var perLayer = [Double](repeating: 0, count: layers + 1)
    for (matrix, count) in zip(matrices, weights) {
      if case .layer(let layer) = matrix.place { perLayer[layer] += count }
      if matrix.isOutput { perLayer[layers] += count }
    }
    let each = 2 * Double(tokens.sample)
    // The model, the model in each type, and the errors beside it.
    errors = 2 * Double(tokens.text) * perLayer.reduce(0, +) * Double(1 + 2 * types)
    var sum = 0.0
    behind = matrices.map { matrix in
      let first = matrix.firstLayer(of: layers)
      sum += each * perLayer[first...].reduce(0, +)
      return sum
    }
    let widest = perLayer.dropLast().max() ?? 0
    memory =
      max(groupSize * tokens.sample, (types + 1) * tokens.text) * model.configuration.hiddenSize * 4
      + Int(max(widest, weights.max() ?? 0))
  }

  func share(ofErrorsBehind layer: Int) -> Double {
    errors / operations * Double(layer) / Double(layers + 1)
  }

  func share(_ group: Range<Int>, behind layer: Int) -> Double {
    let before = group.lowerBound == 0 ? 0 : behind[group.lowerBound - 1]
    let share = Double(layer) / Double(layers + 1)
    return (errors + before + share * (behind[group.upperBound - 1] - before)) / operations
  }
}
