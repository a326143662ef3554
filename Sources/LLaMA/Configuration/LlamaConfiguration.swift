/// The architecture of a model, its sizes and constants.
public struct LlamaConfiguration: Equatable, Sendable {
  /// The traits that the model shares with others of its kind.
  package private(set) var architecture: Architecture
  /// The width of the residual stream.
  public let hiddenSize: Int
  /// The number of layers.
  public private(set) var layerCount: Int
  /// The number of attention heads.
  public let headCount: Int
  /// The number of heads of keys and values; each serves `headCount / keyValueHeadCount` others.
  public let keyValueHeadCount: Int
  /// The width of a head, even.
  public let headDimension: Int
  /// The width inside the feed-forward block.
  public let feedForwardSize: Int
  /// The rows of the embedding matrix.
  public private(set) var vocabularyRows: Int
  /// The number of tokens the model was trained to see at once.
  public let contextLength: Int
  /// The epsilon that RMSNorm adds to the mean square.
  public let normEpsilon: Double
  /// The base of the rotary position angles.
  public let ropeBase: Double
  /// The number of values of a head that position angles turn, even: the first ones.
  package let rotaryDimension: Int
  /// The number of tokens that a token sees in layers with a window, itself included; `nil` if no
  /// layer has one.
  package let window: Int?
  /// The base of the rotary angles in layers with a window, if they have one of their own.
  package let localRopeBase: Double?
  /// The length of the texts that the model was first trained on, where files say it whether or not
  /// rotary angles are scaled.
  package let originalContextLength: Int?
  /// The scaling of the rotary angles.
  package let rotaryScaling: RotaryScaling
  /// The factors that LLaMA does not have.
  package let scales: ModelScales
  /// The biases that every layer has; `nil` where the tensors alone tell.
  package let biases: Set<TensorRole.LayerTensor>?
  /// Whether the output matrix may be the embedding matrix.
  public private(set) var tiesEmbeddings: Bool

  /// Makes a configuration; `LlamaConfiguration.checked` refuses impossible ones.
  ///
  /// - Parameters:
  ///   - architecture: What it has in common with other models.
  ///   - hiddenSize: The width of the residual stream.
  ///   - layerCount: How many layers there are.
  ///   - headCount: How many heads attend.
  ///   - keyValueHeadCount: How many heads keys and values have.
  ///   - headDimension: The width of a head.
  ///   - feedForwardSize: The width inside the feed-forward block.
  ///   - vocabularyRows: The rows of the embedding matrix.
  ///   - contextLength: How many tokens the model was trained to see at once.
  ///   - normEpsilon: What RMSNorm adds to the mean square.
  ///   - ropeBase: The base of the rotary position angles.
  ///   - rotaryDimension: How many values of a head are turned; `nil` is all.
  ///   - window: How many tokens a token sees in layers with a window.
  ///   - localRopeBase: The base of the rotary angles in those layers, if it is one of their own.
  ///   - originalContextLength: The length of the texts that the model was first trained on, where
  ///     files always say it.
  ///   - rotaryScaling: The scaling of the rotary angles.
  ///   - scales: The factors that LLaMA does not have.
  ///   - biases: The biases that every layer has; `nil` where the tensors alone tell.
  ///   - tiesEmbeddings: Whether the output matrix may be the embedding matrix.
  package init(
    architecture: Architecture = .llama, hiddenSize: Int, layerCount: Int, headCount: Int,
    keyValueHeadCount: Int, headDimension: Int, feedForwardSize: Int, vocabularyRows: Int,
    contextLength: Int, normEpsilon: Double, ropeBase: Double, rotaryDimension: Int? = nil,
    window: Int? = nil, localRopeBase: Double? = nil, originalContextLength: Int? = nil,
    rotaryScaling: RotaryScaling = .none, scales: ModelScales = ModelScales(),
    biases: Set<TensorRole.LayerTensor>? = nil, tiesEmbeddings: Bool = false
  ) {
    self.architecture = architecture
    self.hiddenSize = hiddenSize
    self.layerCount = layerCount
    self.headCount = headCount
    self.keyValueHeadCount = keyValueHeadCount
    self.headDimension = headDimension
    self.feedForwardSize = feedForwardSize
    self.vocabularyRows = vocabularyRows
    self.contextLength = contextLength
    self.normEpsilon = normEpsilon
    self.ropeBase = ropeBase
    self.rotaryDimension = rotaryDimension ?? headDimension
    self.window = window
    self.localRopeBase = localRopeBase
    self.originalContextLength = originalContextLength
    self.rotaryScaling = rotaryScaling
    self.scales = scales
    self.biases = biases
    self.tiesEmbeddings = tiesEmbeddings
  }

  /// The same model with another vocabulary.
  ///
  /// - Parameters:
  ///   - rows: The rows of the embedding matrix.
  ///   - tiesEmbeddings: Whether the output matrix may be the embedding matrix, if that changes.
  /// - Returns: The configuration; `checked` refuses impossible ones.
  package func with(
    vocabularyRows rows: Int, tiesEmbeddings: Bool? = nil
  ) -> LlamaConfiguration {
    var other = self
    other.vocabularyRows = rows
    if let tiesEmbeddings { other.tiesEmbeddings = tiesEmbeddings }
    return other
  }

  /// The same model with another number of layers.
  ///
  /// - Parameter count: How many layers there are.
  /// - Returns: The configuration.
  package func with(layerCount count: Int) -> LlamaConfiguration {
    var other = self
    other.layerCount = count
    return other
  }

  /// The same model with queries, keys and values in three matrices, as the files of its kind have them.
  package var separatingQueries: LlamaConfiguration {
    var other = self
    other.architecture = architecture.separatingQueries
    return other
  }

  /// Whether position angles turn the queries and keys of a layer.
  ///
  /// - Parameter layer: The layer's number.
  /// - Returns: Whether they do.
  package func rotates(layer: Int) -> Bool {
    architecture.unrotatedInterval.map { (layer + 1) % $0 != 0 } ?? true
  }

  /// The number of tokens that a token of a layer sees, itself included.
  ///
  /// - Parameter layer: The layer's number.
  /// - Returns: The number, or `nil` if it sees all tokens before it.
  package func window(ofLayer layer: Int) -> Int? {
    guard let interval = architecture.windows?.interval else { return window }
    return (layer + 1) % interval == 0 ? nil : window
  }

  /// Whether rotary angles of a layer are those of layers with a window.
  ///
  /// - Parameter layer: The layer's number.
  /// - Returns: Whether they are.
  package func hasLocalAngles(layer: Int) -> Bool {
    localRopeBase != nil && window(ofLayer: layer) != nil
  }

  /// The width of all query heads together.
  package var queryWidth: Int { headCount * headDimension }

  /// The width of all key, or all value, heads together.
  package var keyValueWidth: Int { keyValueHeadCount * headDimension }
}

/// The factors and caps of a model that LLaMA does not have.
package struct ModelScales: Equatable, Sendable {
  /// The factor of embeddings.
  package var embedding = 1.0
  /// The factor of what the parts of a layer add to the residual stream.
  package var residual = 1.0
  /// The divisor of logits.
  package var logit = 1.0
  /// The factor of attention's scores; `nil` is 1 / √head size.
  package var attention: Double?
  /// The cap *c* of attention's scores, which become c tanh(score / c); `nil` is none.
  package var attentionCap: Double?
  /// The cap of logits; `nil` is none.
  package var logitCap: Double?

  /// Scales that change nothing.
  package init() {}

  /// All of them.
  var all: [Double] {
    [embedding, residual, logit] + [attention, attentionCap, logitCap].compactMap(\.self)
  }
}

/// The sizes that scales follow from.
package struct ModelShape: Sendable {
  let width: Int
  let layers: Int
  let heads: Int
  let head: Int

  /// Names the sizes.
  ///
  /// - Parameters:
  ///   - width: The width of the residual stream.
  ///   - layers: The number of layers.
  ///   - heads: The number of attention heads.
  ///   - head: The width of a head.
  package init(width: Int, layers: Int, heads: Int, head: Int) {
    self.width = width
    self.layers = layers
    self.heads = heads
    self.head = head
  }

  /// The number by whose root Gemma's scores are divided: the head size, in the largest models
  /// width / heads.
  ///
  /// - Parameter architecture: The architecture.
  /// - Returns: The number.
  package func scoreDivisor(_ architecture: Architecture) -> Int {
    layers == architecture.layersWithSharedScale ? width / max(heads, 1) : head
  }
}

extension ModelScales {
  /// The same with the factors of Gemma, which follow from sizes. llama.cpp and this program multiply
  /// embeddings by the root of the width; transformers rounds it to the type of the weights.
  ///
  /// - Parameters:
  ///   - architecture: The architecture.
  ///   - shape: The model's sizes.
  /// - Returns: The scales; `LlamaConfiguration.checked` refuses impossible ones.
  package func gemmas(of architecture: Architecture, _ shape: ModelShape) -> ModelScales {
    var scales = self
    scales.embedding = Double(Float(shape.width).squareRoot())
    let divisor = shape.scoreDivisor(architecture)
    scales.attention = divisor == shape.head ? nil : 1 / Double(divisor).squareRoot()
    return scales
  }
}
