package import WeightmillTensors

/// A model without some of its layers; those that are left are numbered anew.
package struct LayerPruning: Sendable {
  /// The model that is left.
  package let model: LlamaModel
  /// The index of each of its tensors in the whole model's catalogue.
  package let sourceIndices: [Int]
  /// The layers that are left, by their numbers in the whole model.
  package let layers: [Int]

  /// Leaves layers out.
  ///
  /// - Parameters:
  ///   - pruned: The numbers of the layers to leave out.
  ///   - whole: The whole model.
  /// - Throws: `usage` when there is no such layer, or none would be left.
  package init(_ pruned: Set<Int>, of whole: LlamaModel) throws(WeightmillError) {
    let location = whole.catalogue.location
    let count = whole.configuration.layerCount
    if let missing = pruned.sorted().first(where: { !(0..<count).contains($0) }) {
      throw WeightmillError(
        .usage, location, "has no layer \(missing) to leave out",
        remedy: "its layers are 0 to \(count - 1)"
      )
    }
    let hasMeaning =
      whole.architecture.unrotatedInterval != nil || whole.architecture.windows?.interval != nil
    guard pruned.isEmpty || !hasMeaning else {
      throw WeightmillError(
        .unsupported, location,
        "numbers its layers with a meaning: which of them have rotary angles, or windows, follows from "
          + "the number", remedy: "leave out no layers")
    }
    layers = (0..<count).filter { !pruned.contains($0) }
    guard !layers.isEmpty else {
      throw WeightmillError(
        .usage, location, "would have no layers left", remedy: "leave out fewer than \(count)")
    }
    let numbers = Dictionary(
      uniqueKeysWithValues: layers.enumerated().map { ($0.element, $0.offset) })
    let (scheme, architecture) = (whole.scheme, whole.architecture)
    let catalogue = RenamedCatalogue(whole.stored) { tensor in
      switch scheme.role(of: tensor.name, in: architecture) {
      case .layer(let layer, let kind):
        return numbers[layer].map { scheme.name(of: .layer($0, kind), in: architecture) }
      case .rotaryFrequencies(let layer)
      where scheme.name(of: .rotaryFrequencies(layer), in: architecture) == tensor.name:
        return numbers[layer].map { scheme.name(of: .rotaryFrequencies($0), in: architecture) }
      default: return tensor.name
      }
    }
    sourceIndices = catalogue.sourceIndices
    model = try LlamaModel(
      catalogue: catalogue, configuration: whole.configuration.with(layerCount: layers.count),
      scheme: scheme)
  }
}
