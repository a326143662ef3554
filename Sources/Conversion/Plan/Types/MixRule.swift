import WeightmillTensors

/// One line of the table of mixes: in these mixes, under these conditions, the tensor is of a type.
struct MixRule: Sendable {
  /// A condition that must hold besides.
  enum Condition: Sendable {
    /// Each head of keys and values serves at least four heads of queries.
    case grouped
    /// There is an importance matrix.
    case withImportance
    /// There is none.
    case withoutImportance
    /// The layer is one of the first so many.
    case firstLayers(Int)
    /// The layer is in the first so-manieth of all.
    case firstPart(Int)
    /// The layer is in the first eighth, in the last, or each third between them.
    case moreBits
    /// The layer is neither in the first eighth nor in the last.
    case middle
    /// The feed-forward part has exactly so many experts.
    case experts(Int)
    /// It has at least so many experts.
    case expertsAtLeast(Int)
  }

  private let mixes: Set<TypeMix>
  private let conditions: [Condition]
  /// The type.
  let type: TensorType

  /// Describes a line.
  init(_ mixes: Set<TypeMix>, _ type: TensorType, when conditions: Condition...) {
    self.mixes = mixes
    self.type = type
    self.conditions = conditions
  }

  /// Whether the line is for a tensor, which is this one of so many of its kind.
  func applies(to mix: TypeMix, _ model: MixedModel, index: Int, of count: Int) -> Bool {
    mixes.contains(mix) && conditions.allSatisfy { $0.holds(in: model, index: index, of: count) }
  }
}

extension MixRule.Condition {
  /// Integer divisions throughout, as in llama.cpp.
  fileprivate func holds(in model: MixedModel, index layer: Int, of count: Int) -> Bool {
    switch self {
    case .grouped: return model.headCount / model.keyValueHeadCount >= 4
    case .withImportance: return model.hasImportance
    case .withoutImportance: return !model.hasImportance
    case .firstLayers(let number): return layer < number
    case .firstPart(let part): return layer < count / part
    case .moreBits:
      return layer < count / 8 || layer >= 7 * count / 8 || (layer - count / 8) % 3 == 2
    case .middle: return layer >= count / 8 && layer < 7 * count / 8
    case .experts(let number): return model.expertCount == number
    case .expertsAtLeast(let number): return model.expertCount >= number
    }
  }
}

/// The facts of a model that the rules of a mix look at besides the tensor itself.
package struct MixedModel: Sendable {
  let layerCount: Int
  let headCount: Int
  let keyValueHeadCount: Int
  let tiesEmbeddings: Bool
  var hasImportance: Bool
  /// The number of experts of the feed-forward part; 0 if it has none.
  var expertCount = 0
  /// The number of tensors of attention's values, if not one in each layer.
  var valueCount: Int?

  /// Describes a model.
  ///
  /// - Parameters:
  ///   - layerCount: How many layers there are.
  ///   - headCount: How many heads attend.
  ///   - keyValueHeadCount: How many heads keys and values have.
  ///   - tiesEmbeddings: Whether the embeddings are the output matrix, too.
  ///   - hasImportance: Whether there is an importance matrix.
  package init(
    layerCount: Int, headCount: Int, keyValueHeadCount: Int, tiesEmbeddings: Bool,
    hasImportance: Bool
  ) {
    self.layerCount = layerCount
    self.headCount = headCount
    self.keyValueHeadCount = max(keyValueHeadCount, 1)
    self.tiesEmbeddings = tiesEmbeddings
    self.hasImportance = hasImportance
  }
}
