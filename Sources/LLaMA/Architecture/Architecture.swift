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
    /// The kind of scaling of rotary angles.
    case ropeScalingType = "rope.scaling.type"
    /// The factor by which rotary frequencies are divided.
    case ropeScalingFactor = "rope.scaling.factor"
    /// The same in older files, which have no type.
    case ropeScaleLinear = "rope.scale_linear"
    /// The length of the texts that the model was first trained on.
    case ropeOriginalContextLength = "rope.scaling.original_context_length"
    /// The factor of cosines and sines.
    case ropeAttentionFactor = "rope.scaling.attn_factor"
    /// YaRN's factor of cosines and sines, where it is said; few loaders read it.
    case yarnAttentionFactor = "rope.scaling.yarn_attn_factor"
    /// The turns of YaRN's fastest pairs, where they are said; few loaders read them.
    case yarnBetaFast = "rope.scaling.yarn_beta_fast"
    /// The turns of YaRN's slowest pairs, where they are said; few loaders read them.
    case yarnBetaSlow = "rope.scaling.yarn_beta_slow"
    /// The factor of embeddings.
    case embeddingScale = "embedding_scale"
    /// The factor of what a layer's parts add to the residual stream.
    case residualScale = "residual_scale"
    /// The divisor of logits.
    case logitScale = "logit_scale"
    /// The factor of attention's scores, in place of 1 / √head size.
    case attentionScale = "attention.scale"
    /// The number of tokens that a token sees at most, in layers with a window; 0 is none.
    case slidingWindow = "attention.sliding_window"
    /// The layers with a window, if they are others than usual; read, to refuse it.
    case slidingWindowPattern = "attention.sliding_window_pattern"
    /// The base of the rotary angles in layers with a window.
    case localRopeBase = "rope.freq_base_swa"
    /// The largest score of attention.
    case attentionCap = "attn_logit_softcapping"
    /// The largest logit.
    case logitCap = "final_logit_softcapping"
    /// The number of experts; read, to refuse it.
    case expertCount = "expert_count"

    /// The keys that every architecture's files have, in the order in which llama.cpp's converter
    /// writes them. Those of scaled rotary angles are there only if the angles are scaled.
    package static let common: [Key] = [
      .blockCount, .contextLength, .embeddingLength, .feedForwardLength, .headCount,
      .keyValueHeadCount, .ropeScalingType, .ropeScalingFactor, .ropeOriginalContextLength,
      .ropeAttentionFactor, .yarnAttentionFactor, .yarnBetaFast, .yarnBetaSlow, .ropeBase,
      .normEpsilon, .keyLength, .valueLength,
    ]
  }

  /// The fields of a `config.json` that say what a model multiplies, besides what LLaMA does.
  package enum ScaleFields: Sendable {
    /// None: nothing is multiplied.
    case none
    /// `scale_emb`, `scale_depth`, `dim_model_base`.
    case miniCPM
    /// `embedding_multiplier`, `residual_multiplier`, `logits_scaling`, `attention_multiplier`.
    case granite
    /// `query_pre_attn_scalar`; embeddings are multiplied by the root of the width. No key of a GGUF
    /// file says either.
    case gemma
  }

  /// The function of a layer's gates.
  package enum Activation: Sendable {
    /// x / (1 + e^-x).
    case silu
    /// x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))).
    case gelu
  }

  /// The windows of attention: which layers have them, and what holds where a file does not say.
  package struct Windows: Equatable, Sendable {
    /// The interval of layers without a window, 6 for each sixth layer; `nil` if all have one.
    package var interval: Int?
    /// The window of a `config.json` that says none, in tokens.
    package var usualSize: Int?
    /// The window of a GGUF file that says none.
    package var usualSizeInGGUF: Int?
    /// The base of the rotary angles in layers with a window, whatever it is in others; their angles
    /// are not scaled. `nil` if they have those of all layers.
    package var localRopeBase: Double?
    /// Whether llama.cpp computes without them.
    package var isIgnoredByLlamaCpp = false

    /// Windows in all layers, if a file says how long they are.
    package init() {}
  }

  /// The caps of scores and logits that an architecture has.
  package struct Caps: Equatable, Sendable {
    /// The cap of attention's scores of a file that does not say it.
    package var usualAttention: Double?
    /// The cap of logits of a file that does not say it.
    package var usualLogit: Double?
    /// Whether there are always both, or at most the one of logits.
    package var areRequired = false

    /// A cap of logits, if a file says it.
    package init() {}
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
  package private(set) var requiredTensors: Set<TensorRole.LayerTensor>
  /// The tensors that a layer must or may have, in the order in which the model uses them.
  package private(set) var layerTensors: [TensorRole.LayerTensor]
  /// Older values of `model_type`, for models whose tensors are read as this architecture's.
  package var otherTypes: Set<String> = []
  /// The values of `model_type` of models that see, whose language model is this architecture's and
  /// described in `text_config`.
  package var typesWithVision: Set<String> = []
  /// The factors of rotary frequencies that a GGUF file may have.
  package var ropeFactors: Set<TensorRole.RopeFactors> = []
  /// The keys that GGUF files have beside `Key.common`, in the order in which they are written.
  package var furtherKeys: [Key] = []
  /// Whether GGUF files say the head size even if it is width / heads.
  package var alwaysSaysHeadSize = true
  /// Whether the norms of queries and keys are those of each head, not of all heads together.
  package var normsEachHead = true
  /// Whether the output matrix may be the embedding matrix if a `config.json` does not say it.
  package var tiesByDefault = false
  /// Whether GGUF files cannot do without an output matrix.
  package var requiresOutput = false
  /// The name in Hugging Face's files of a tensor in a layer that holds queries, keys and values by
  /// group, if they are fused there.
  package var fusedQueries: String?
  /// The module of that matrix.
  package var fusedModule: String? { fusedQueries.map { String($0.dropLast(".weight".count)) } }
  /// The fields that give factors which LLaMA does not have.
  package var scaleFields = ScaleFields.none
  /// The number of layers of a model whose scores are divided by the root of width / heads, not of the
  /// head size.
  package var layersWithSharedScale: Int?
  /// The function of a layer's gates.
  package var activation = Activation.silu
  /// The windows of attention; `nil` if there are none, or GGUF files do not say them.
  package var windows: Windows?
  /// The caps of scores and logits; `nil` if there are none.
  package var caps: Caps?
  /// Whether a GGUF file holds queries, keys and values in one matrix that no other file has.
  package private(set) var fusesQueriesInGGUFOnly = false
  /// What a file of this kind holds less of each gain of a norm than what it multiplies by.
  package var gainOffsets: [NamingScheme: Float] = [:]
  /// Whether a model may turn a part of each head only.
  package var mayRotatePart = false
  /// Whether the heads must share the width of the model.
  package var headsShareWidth = false
  /// Whether the output matrix is always the embedding.
  package var alwaysTies = false
  /// Whether GGUF files leave out the base of rotary angles where it is 10000.
  package var leavesOutUsualRopeBase = false
  /// Whether GGUF files say the length of the texts that the model was first trained on even if
  /// rotary angles are not scaled, and say by their tensors alone that they are.
  package var impliesRopeScaling = false
  /// The kinds of scaled rotary angles that GGUF files can say; `nil` is all.
  package var ropeScalings: Set<String>?
  /// The sizes of a `config.json` that does not say them, by their names there.
  package var usualSizes: [String: Int] = [:]
  /// The interval of layers without rotary angles, 4 for each fourth layer; `nil` if all have them.
  package var unrotatedInterval: Int?
  /// The names of tensors that differ from the usual ones.
  package var otherNames: [NamingScheme: [TensorRole: String]] = [:]
  /// The names of tensors in a layer that differ from the usual ones, with `.weight` or `.bias`.
  package var otherLayerNames: [NamingScheme: [TensorRole.LayerTensor: String]] = [:]
  /// Further names of tensors in a layer, which are read and never written.
  package var aliases: [NamingScheme: [String: TensorRole.LayerTensor]] = [:]

  /// Describes an architecture; what is not said here is as it is in LLaMA, and can be set.
  ///
  /// - Parameters:
  ///   - name: The name in GGUF files.
  ///   - huggingFaceType: The `model_type` of a Hugging Face `config.json`.
  ///   - huggingFaceClass: The class in transformers.
  ///   - rowOrder: The order of the rows of queries and keys in GGUF files.
  ///   - requiredTensors: The tensors that a layer must have.
  ///   - optionalTensors: The tensors that a layer may have.
  ///   - change: Sets what differs from LLaMA.
  package init(
    name: String, huggingFaceType: String, huggingFaceClass: String, rowOrder: RowOrder,
    requiredTensors: Set<TensorRole.LayerTensor> = TensorRole.LayerTensor.usual,
    optionalTensors: Set<TensorRole.LayerTensor> = [],
    change: (inout Architecture) -> Void = { _ in }
  ) {
    self.name = name
    self.huggingFaceType = huggingFaceType
    self.huggingFaceClass = huggingFaceClass
    self.rowOrder = rowOrder
    self.requiredTensors = requiredTensors
    layerTensors = TensorRole.LayerTensor.allCases.filter {
      requiredTensors.contains($0) || optionalTensors.contains($0)
    }
    change(&self)
  }

  /// A key with the architecture's name before it: `llama.block_count`.
  ///
  /// - Parameter key: The key.
  /// - Returns: The whole key.
  package func name(of key: Key) -> String { "\(name).\(key.rawValue)" }

  /// The same with queries, keys and values in one matrix, and their biases in one vector: what GGUF
  /// files of any architecture may hold, and llama.cpp's converter writes if it is asked to.
  package var fusingQueries: Architecture {
    let apart: Set<TensorRole.LayerTensor> = [.query, .key, .value]
    let together: [(Set<TensorRole.LayerTensor>, TensorRole.LayerTensor)] = [
      (apart, .queryKeyValue), (TensorRole.LayerTensor.inputBiases, .queryKeyValueBias),
    ]
    var (required, all) = (requiredTensors, Set(layerTensors))
    for (parts, whole) in together {
      if parts.isSubset(of: required) { required.insert(whole) }
      if parts.isSubset(of: all) { all.insert(whole) }
      required.subtract(parts)
      all.subtract(parts)
    }
    var other = self
    other.fusesQueriesInGGUFOnly = required != requiredTensors
    other.requiredTensors = required
    other.layerTensors = TensorRole.LayerTensor.allCases.filter(all.contains)
    return other
  }

  /// The architecture whose files have queries, keys and values apart, of one that `fusingQueries` made.
  package var separatingQueries: Architecture {
    guard fusesQueriesInGGUFOnly else { return self }
    return Self.all.first { $0.huggingFaceType == huggingFaceType } ?? self
  }
}
