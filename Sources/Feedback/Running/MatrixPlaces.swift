import WeightmillConversion
import WeightmillLLaMA
import WeightmillTensors

/// Where in a model the matrices of a plan are: which of them share an input, and in which order they come.
struct MatrixPlaces: Sendable {
  /// A layer's stage; behind the last layer, the output matrix.
  struct Place: Hashable, Sendable {
    let layer: Int
    let stage: LayerStage

    /// Its number in the order in which text goes through the model.
    var ordinal: Int { 4 * layer + stage.rawValue }
  }

  /// For each item that is a matrix which inputs are multiplied with, where it is.
  let stages: [Int: Place]
  /// The number of inputs of each place, by its ordinal.
  let columns: [Int: Int]
  /// The embeddings, and whether they are the output matrix, too.
  let embedding: (item: Int, isOutput: Bool)?
  /// The items in the order in which they can be written: the embeddings, and matrices layer by layer.
  let order: [Int]

  /// Finds the matrices.
  ///
  /// - Parameters:
  ///   - plan: The plan, in the names of GGUF files.
  ///   - model: The model in the same names.
  init(_ plan: ConversionPlan, _ model: LlamaModel) {
    var items: [TensorRole: Int] = [:]
    for (index, item) in plan.items.enumerated() {
      if let role = NamingScheme.gguf.role(of: item.tensor.name, in: model.architecture) {
        items[role] = index
      }
    }
    var (stages, columns, order): ([Int: Place], [Int: Int], [Int]) = ([:], [:], [])
    func add(_ role: TensorRole, _ place: Place) {
      guard let item = items[role] else { return }
      stages[item] = place
      columns[place.ordinal] = plan.items[item].tensor.shape.columns
      order.append(item)
    }
    embedding = items[.tokenEmbedding].map { ($0, model.tiesEmbeddings) }
    if let embedding { order.append(embedding.item) }
    for layer in 0..<model.configuration.layerCount {
      for stage in LayerStage.allCases {
        for role in stage.matrices(layer: layer, of: model) {
          add(role, Place(layer: layer, stage: stage))
        }
      }
    }
    add(.output, Place(layer: model.configuration.layerCount, stage: .attention))
    (self.stages, self.columns, self.order) = (stages, columns, order)
  }
}
