/// The traits of models of one kind: names, tensors, the order of rows, keys of metadata.
///
/// Nothing else says what an architecture is called or holds: whoever reads or writes a file asks
/// the model's configuration for this value. `KnownArchitectures.swift` has those that are read.
package struct Architecture: Equatable, Sendable {
  /// The order in a head of the two values that one position angle turns.
  package enum RowOrder: Sendable {
    /// Rows 2*i* and 2*i* + 1 belong together.
    case neighbours
    /// Rows *i* and *i* + half the head belong together.
    case halves
  }

  /// A key of a GGUF file that describes the model; the architecture's name and a dot go before it.
  package enum Key: String, CaseIterable, Sendable {
    /// The number of layers.
    case blockCount = "block_count"
    /// The number of tokens that the model was trained to see at once.
    case contextLength = "context_length"
    /// The width of the residual stream.
    case embeddingLength = "embedding_length"
    /// The width inside the feed-forward block.
    case feedForwardLength = "feed_forward_length"
    /// The number of query heads.
    case headCount = "attention.head_count"
    /// The number of heads of keys and values.
    case keyValueHeadCount = "attention.head_count_kv"
    /// The base of the rotary angles.
    case ropeBase = "rope.freq_base"
    /// The epsilon that RMSNorm adds to the mean square.
    case normEpsilon = "attention.layer_norm_rms_epsilon"
    /// The width of a head of queries and keys.
    case keyLength = "attention.key_length"
    /// The width of a head of values.
    case valueLength = "attention.value_length"
    /// The rows of the embedding matrix.
    case vocabularySize = "vocab_size"
    /// The number of values of a head that are turned.
    case ropeDimensionCount = "rope.dimension_count"
    /// The scaling of rotary angles; read, to refuse it.
    case ropeScalingType = "rope.scaling.type"
    /// The number of experts; read, to refuse it.
    case expertCount = "expert_count"

    /// The keys that every architecture's files have, in the order in which llama.cpp's converter
    /// writes them.
    package static let common: [Key] = [
      .blockCount, .contextLength, .embeddingLength, .feedForwardLength, .headCount,
      .keyValueHeadCount, .ropeBase, .normEpsilon, .keyLength, .valueLength,
    ]
  }

  /// The name of the architecture in GGUF files: `general.architecture`, and what its keys begin
  /// with. Several values may share it: the first of `Architecture.all` is what such a file is.
  package let name: String
  /// The `model_type` of a Hugging Face `config.json`.
  package let huggingFaceType: String
  /// The class in transformers.
  package let huggingFaceClass: String
  /// The order of the rows of queries and keys in GGUF files.
  package let rowOrder: RowOrder
  /// The tensors that a layer must have.
  package let requiredTensors: Set<TensorRole.LayerTensor>
  /// The tensors that a layer must or may have, in the order in which the model uses them.
  package let layerTensors: [TensorRole.LayerTensor]
  /// The factors of rotary frequencies that a GGUF file may have.
  package let ropeFactors: Set<TensorRole.RopeFactors>
  /// The keys that GGUF files have beside `Key.common`, in the order in which they are written.
  package let furtherKeys: [Key]
  /// The names of tensors in a layer that differ from the usual ones, with `.weight` or `.bias`.
  package let otherNames: [NamingScheme: [TensorRole.LayerTensor: String]]

  /// Describes an architecture.
  ///
  /// - Parameters:
  ///   - name: The name in GGUF files.
  ///   - huggingFaceType: The `model_type` of a Hugging Face `config.json`.
  ///   - huggingFaceClass: The class in transformers.
  ///   - rowOrder: The order of the rows of queries and keys in GGUF files.
  ///   - requiredTensors: The tensors that a layer must have.
  ///   - optionalTensors: The tensors that a layer may have.
  ///   - ropeFactors: The factors of rotary frequencies that a GGUF file may have.
  ///   - furtherKeys: The keys that GGUF files have beside `Key.common`.
  ///   - otherNames: The names of tensors in a layer that differ from the usual ones.
  package init(
    name: String, huggingFaceType: String, huggingFaceClass: String, rowOrder: RowOrder,
    requiredTensors: Set<TensorRole.LayerTensor> = TensorRole.LayerTensor.usual,
    optionalTensors: Set<TensorRole.LayerTensor> = [],
    ropeFactors: Set<TensorRole.RopeFactors> = [], furtherKeys: [Key] = [],
    otherNames: [NamingScheme: [TensorRole.LayerTensor: String]] = [:]
  ) {
    self.name = name
    self.huggingFaceType = huggingFaceType
    self.huggingFaceClass = huggingFaceClass
    self.rowOrder = rowOrder
    self.requiredTensors = requiredTensors
    layerTensors = TensorRole.LayerTensor.allCases.filter {
      requiredTensors.contains($0) || optionalTensors.contains($0)
    }
    self.ropeFactors = ropeFactors
    self.furtherKeys = furtherKeys
    self.otherNames = otherNames
  }

  /// A key with the architecture's name before it: `llama.block_count`.
  ///
  /// - Parameter key: The key.
  /// - Returns: The whole key.
  package func name(of key: Key) -> String { "\(name).\(key.rawValue)" }
}
