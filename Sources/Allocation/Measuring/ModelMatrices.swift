import WeightmillConversion
import WeightmillLLaMA
import WeightmillTensors

/// A matrix of a model, and where text meets it.
struct ModelMatrix {
  /// The place of a matrix in a model.
  enum Place: Equatable {
    /// The embeddings; whether they are the output matrix, too.
    case embedding(isOutput: Bool)
    /// A layer's.
    case layer(Int)
    /// The output matrix.
    case output
  }

  let role: TensorRole
  let tensor: TensorDescriptor
  let place: Place

  /// Whether tokens are looked up in it.
  var isEmbedding: Bool { if case .embedding = place { true } else { false } }

  /// Whether logits are its products.
  var isOutput: Bool { place == .output || place == .embedding(isOutput: true) }

  /// The first layer whose results are other ones when the matrix is another one: the number of layers for
  /// the output matrix.
  func firstLayer(of layerCount: Int) -> Int {
    switch place {
    case .embedding: 0
    case .layer(let layer): layer
    case .output: layerCount
    }
  }

  /// A type whose blocks fit the rows: the wanted one, or the one that `quantize` takes in its place.
  func fitting(_ type: TensorType) -> TensorType? {
    FittingType(type, columns: tensor.shape.columns)?.type
  }

  /// The matrices of a model, in the order in which text goes through them.
  ///
  /// - Parameter model: The model, in the names of GGUF files.
  /// - Returns: The matrices; a tied output matrix is where the embeddings are.
  static func all(of model: LlamaModel) -> [ModelMatrix] {
    var matrices: [ModelMatrix] = []
    func add(_ role: TensorRole, _ place: Place) {
      guard let tensor = model.tensor(role) else { return }
      matrices.append(ModelMatrix(role: role, tensor: tensor, place: place))
    }
    add(.tokenEmbedding, .embedding(isOutput: model.tiesEmbeddings))
    for layer in 0..<model.configuration.layerCount {
      for stage in LayerStage.allCases {
        for role in stage.matrices(layer: layer, of: model) { add(role, .layer(layer)) }
      }
    }
    if !model.tiesEmbeddings { add(.output, .output) }
    return matrices
  }
}
