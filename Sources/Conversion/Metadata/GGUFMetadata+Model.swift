import GGUF
import LLaMA
package import Models
import Tensors
import Tokenization

extension GGUFMetadata {
  /// The metadata of a converted model: the keys that llama.cpp's converter writes, with its types.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - name: What `general.name` shall say.
  ///   - fileType: llama.cpp's number for the mix of types.
  init(_ model: LoadedModel, name: String, fileType: UInt32) {
    self.init()
    let configuration = model.llama.configuration
    let count = model.llama.roles.reduce(0) {
      $0 + (model.llama.tensor($1)?.shape.count ?? 0)
    }
    self["general.architecture"] = .string(configuration.architecture.name)
    self["general.type"] = .string("model")
    self["general.name"] = .string(name)
    self["general.size_label"] = .string(Self.sizeLabel(parameters: count))
    append(Architecture.Key.common, of: configuration)
    self["general.file_type"] = .uint32(fileType)
    append(configuration.architecture.furtherKeys, of: configuration)
    self["general.quantization_version"] = .uint32(2)
    if let vocabulary = model.vocabulary { append(vocabulary) }
    if let template = model.chatTemplate { self["tokenizer.chat_template"] = .string(template) }
  }

  private mutating func append(_ keys: [Architecture.Key], of configuration: LlamaConfiguration) {
    for key in keys {
      self[configuration.architecture.name(of: key)] = configuration.value(of: key)
    }
  }

  private mutating func append(_ vocabulary: Vocabulary) {
    let tokens = vocabulary.tokens
    self["tokenizer.ggml.model"] = .string("llama")
    self["tokenizer.ggml.pre"] = .string("default")
    self["tokenizer.ggml.tokens"] = .strings(tokens.map(\.text))
    self["tokenizer.ggml.scores"] = .array(.float32, tokens.map { .float32($0.score) })
    self["tokenizer.ggml.token_type"] = .array(.int32, tokens.map { .int32($0.kind.rawValue) })
    let special = vocabulary.special
    for (name, id) in [("bos", special.bos), ("eos", special.eos), ("padding", special.padding)] {
      if let id { self["tokenizer.ggml.\(name)_token_id"] = .uint32(UInt32(id)) }
    }
    self["tokenizer.ggml.add_bos_token"] = .bool(special.addsBOS)
    self["tokenizer.ggml.add_eos_token"] = .bool(special.addsEOS)
    if !special.addsSpacePrefix { self["tokenizer.ggml.add_space_prefix"] = .bool(false) }
  }

  /// A number of parameters as file names give it: two digits at least, `13B`, `5.0M`.
  package static func sizeLabel(parameters: Int) -> String {
    let units: [(Double, String)] = [(1e12, "T"), (1e9, "B"), (1e6, "M")]
    let (unit, suffix) = units.first { Double(parameters) >= $0.0 } ?? (1e3, "K")
    let scaled = Double(parameters) / unit
    if scaled.rounded() >= 10 { return "\(Int(scaled.rounded()))\(suffix)" }
    let tenths = Int((scaled * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)\(suffix)"
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
    case .ropeBase: .float32(Float(ropeBase))
    case .normEpsilon: .float32(Float(normEpsilon))
    case .keyLength, .valueLength, .ropeDimensionCount: .uint32(UInt32(headDimension))
    case .vocabularySize: .uint32(UInt32(vocabularyRows))
    case .ropeScalingType, .expertCount: nil
    }
  }
}
