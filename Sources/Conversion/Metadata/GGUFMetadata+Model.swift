package import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModelCards
import WeightmillModels
import WeightmillTensors
package import WeightmillTokenization

extension GGUFMetadata {
  /// The metadata of a converted model: the keys that llama.cpp's converter writes, with its types.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - tokenizer: Its tokenizer.
  ///   - card: What is said of it besides.
  ///   - fileType: llama.cpp's number for the mix of types.
  init(_ model: LoadedModel, _ tokenizer: StoredTokenizer, card: ModelCard, fileType: UInt32) {
    self.init()
    let configuration = model.llama.configuration
    self["general.architecture"] = .string(configuration.architecture.name)
    self["general.type"] = .string("model")
    for key in card.keys { self[key.name] = key.value }
    append(Architecture.Key.common, of: configuration)
    self["general.file_type"] = .uint32(fileType)
    append(configuration.architecture.furtherKeys, of: configuration)
    self["general.quantization_version"] = .uint32(2)
    append(tokenizer)
    for key in model.chatTemplates.keys { self[key.name] = key.value }
  }

  private mutating func append(_ keys: [Architecture.Key], of configuration: LlamaConfiguration) {
    for key in keys {
      self[configuration.architecture.name(of: key)] = configuration.value(of: key)
    }
  }

  /// Adds a tokenizer, in the order of llama.cpp's converter.
  package mutating func append(_ tokenizer: StoredTokenizer) {
    func set(_ name: String, _ value: GGUFValue?) {
      if let value { self["tokenizer.ggml.\(name)"] = value }
    }
    set("model", .string(tokenizer.model))
    set("pre", .string(tokenizer.pre))
    set("tokens", .strings(tokenizer.tokens))
    set("scores", tokenizer.scores.map { .array(.float32, $0.map { .float32($0) }) })
    set("token_type", .array(.int32, tokenizer.kinds.map { .int32($0.rawValue) }))
    set("merges", tokenizer.merges.map { .strings($0) })
    let special = tokenizer.special
    // SentencePiece vocabularies say by a token's kind which one is unknown.
    let unknown = tokenizer.hasScores ? nil : special.unknown
    let ids = [
      ("bos", special.bos), ("eos", special.eos), ("unknown", unknown),
      ("padding", special.padding), ("prefix", special.gap?.prefix),
      ("suffix", special.gap?.suffix), ("middle", special.gap?.middle), ("eot", special.gap?.end),
    ]
    for (name, id) in ids { set("\(name)_token_id", id.map { .uint32(UInt32($0)) }) }
    set("add_bos_token", .bool(special.addsBOS))
    set("add_eos_token", .bool(special.addsEOS))
    set("add_space_prefix", tokenizer.addsSpacePrefix.map { .bool($0) })
  }
}

extension LlamaConfiguration {
  /// What a GGUF file says under a key; `nil` for what such a model does not have.
  fileprivate func value(of key: Architecture.Key) -> GGUFValue? {
    switch key {
    case .blockCount: .uint32(UInt32(layerCount))
    case .contextLength: .uint32(UInt32(contextLength))
    case .embeddingLength: .uint32(UInt32(hiddenSize))
    case .feedForwardLength: .uint32(UInt32(feedForwardSize))
    case .headCount: .uint32(UInt32(headCount))
    case .keyValueHeadCount: .uint32(UInt32(keyValueHeadCount))
    case .ropeBase:
      architecture.leavesOutUsualRopeBase && ropeBase == 10_000 ? nil : .float32(Float(ropeBase))
    case .localRopeBase: localRopeBase.map { .float32(Float($0)) }
    case .normEpsilon: .float32(Float(normEpsilon))
    case .keyLength, .valueLength: saysHeadSize ? .uint32(UInt32(headDimension)) : nil
    case .ropeDimensionCount: .uint32(UInt32(rotaryDimension))
    case .vocabularySize: .uint32(UInt32(vocabularyRows))
    case .ropeScalingType, .ropeScalingFactor, .ropeScaleLinear, .ropeOriginalContextLength,
      .ropeAttentionFactor, .yarnAttentionFactor, .yarnBetaFast, .yarnBetaSlow:
      scalingValue(of: key)
    case .embeddingScale: .float32(Float(scales.embedding))
    case .residualScale: .float32(Float(scales.residual))
    case .logitScale: .float32(Float(scales.logit))
    case .attentionScale: scales.attention.map { .float32(Float($0)) }
    case .attentionCap: scales.attentionCap.map { .float32(Float($0)) }
    case .logitCap: scales.logitCap.map { .float32(Float($0)) }
    case .slidingWindow: window.map { .uint32(UInt32($0)) } ?? unsaidWindow
    case .expertCount, .slidingWindowPattern: nil
    }
  }

  /// The value that says that there is no window, where files without the key have one or it is
  /// always there.
  private var unsaidWindow: GGUFValue? {
    architecture.windows?.interval == nil ? .uint32(0) : nil
  }

  private var saysHeadSize: Bool {
    architecture.alwaysSaysHeadSize || headDimension * headCount != hiddenSize
  }

  /// The value of a key of scaled rotary angles. Llama 3.1's are scaled by a tensor, without a key.
  private func scalingValue(of key: Architecture.Key) -> GGUFValue? {
    func number(_ value: Double?) -> GGUFValue? { value.map { .float32(Float($0)) } }
    switch (rotaryScaling, key) {
    case (_, .ropeScalingType) where architecture.impliesRopeScaling: return nil
    case (.linear, .ropeScalingType), (.yarn, .ropeScalingType), (.longRope, .ropeScalingType):
      return .string(rotaryScaling.name)
    case (.linear(let factor), .ropeScalingFactor): return number(factor)
    case (.yarn(let yarn), .ropeScalingFactor): return number(yarn.factor)
    case (.yarn(let yarn), .ropeOriginalContextLength):
      return .uint32(UInt32(yarn.originalContextLength))
    case (.yarn(let yarn), .yarnAttentionFactor): return number(yarn.attentionFactor)
    case (.yarn(let yarn), .yarnBetaFast): return number(yarn.betaFast)
    case (.yarn(let yarn), .yarnBetaSlow): return number(yarn.betaSlow)
    case (.longRope(let long), .ropeOriginalContextLength):
      return .uint32(UInt32(long.originalContextLength))
    case (.longRope(let long), .ropeAttentionFactor): return number(long.attentionFactor)
    case (_, .ropeOriginalContextLength): return originalContextLength.map { .uint32(UInt32($0)) }
    default: return nil
    }
  }
}
