import WeightmillLLaMA
package import WeightmillTensors

extension LoadedModel {
  /// The number of files of a split GGUF file; 1 for every other model.
  package var shardCount: Int { max(shardSizes.count, 1) }

  /// The number of each tensor's file; empty when there is one file.
  package var shards: [Int] {
    shardSizes.enumerated().flatMap { [Int](repeating: $0.offset, count: $0.element) }
  }

  /// The model without some of its layers.
  ///
  /// - Parameter layers: The numbers of the layers to leave out.
  /// - Returns: The model, and which layers of this one it has.
  /// - Throws: `usage` when there is no such layer, or none would be left.
  package func pruned(
    _ layers: Set<Int>
  ) throws(WeightmillError) -> (model: LoadedModel, layers: [Int]) {
    guard !layers.isEmpty else { return (self, Array(0..<llama.configuration.layerCount)) }
    let pruning = try LayerPruning(layers, of: llama)
    var model = self
    model.llama = pruning.model
    if !shardSizes.isEmpty {
      let shards = shards
      var sizes = [Int](repeating: 0, count: shardSizes.count)
      for index in pruning.sourceIndices { sizes[shards[index]] += 1 }
      model.shardSizes = sizes
    }
    return (model, pruning.layers)
  }
}
