public import WeightmillLLaMA
public import WeightmillTensors

/// A tiny model with random weights in Hugging Face's layout, for tests of what does not fit.
public struct SmallModel: Sendable {
  /// The architecture.
  package var architecture = Architecture.llama
  /// Further fields of `config.json`, each with its value in JSON.
  public var fields: [String: String] = [:]
  /// The biases that every layer has.
  package var biases: Set<TensorRole.LayerTensor> = []
  /// The features of a head; `nil` if the heads share those of a token.
  public var head: Int?
  /// The number of layers.
  public var layers = 1
  /// The features of a token.
  public var hidden = 64
  /// The heads of attention; they share the features.
  public var heads = 2
  /// The heads of keys and values.
  public var keyValueHeads = 2
  /// The features of the feed-forward part.
  public var feedForward = 64
  /// The rows of the embedding.
  public var rows = 300
  /// Where the random numbers begin.
  public var seed: UInt64 = 1
  /// The type of the weights.
  public var type = TensorType.f16
  /// Whether these are the differences to the model of the same seed, with whole embeddings.
  public var isDelta = false
  /// Whether embeddings and output matrix are small differences, as Vicuna's deltas have them.
  public var isAdditive = false
  /// Whether the output matrix may be the embedding: for models without `lm_head.weight`.
  public var tiesEmbeddings = false
  /// Called with each tensor's name; may change its values.
  public var change: @Sendable (String, inout [Float]) -> Void = { _, _ in }
  /// Whether it is the language model of one that sees, as Gemma 3's files have it.
  public var sees = false
  /// Tensors that are left out.
  public var omitted: Set<String> = []
  /// The name under which a tensor is stored.
  public var storedName: @Sendable (String) -> String = { $0 }
  /// Whether a tensor of this name is stored without values, as DeepSpeed ZeRO-3 leaves it.
  public var isEmpty: @Sendable (String) -> Bool = { _ in false }
  /// Further tensors of one row, in F32, by their names.
  public var vectors: [String: [Float]] = [:]

  /// Describes a model.
  public init(
    layers: Int = 1, keyValueHeads: Int = 2, feedForward: Int = 64, rows: Int = 300,
    seed: UInt64 = 1, type: TensorType = .f16, isDelta: Bool = false
  ) {
    self.layers = layers
    self.keyValueHeads = keyValueHeads
    self.feedForward = feedForward
    self.rows = rows
    self.seed = seed
    self.type = type
    self.isDelta = isDelta
  }

  /// The model's sizes.
  public var configuration: LlamaConfiguration {
    LlamaConfiguration(
      architecture: architecture, hiddenSize: hidden, layerCount: layers, headCount: heads,
      keyValueHeadCount: keyValueHeads,
      headDimension: head ?? hidden / heads, feedForwardSize: feedForward, vocabularyRows: rows,
      contextLength: 128, normEpsilon: 1e-6, ropeBase: 10_000, biases: biases)
  }

  private func values(_ role: TensorRole, count: Int) -> [Float] {
    let name = NamingScheme.huggingFace.name(of: role, in: architecture)
    let seed = name.utf8.reduce(seed) { $0 &* 31 &+ UInt64($1) }
    var (weights, training) = (SeededGenerator(seed: seed), SeededGenerator(seed: ~seed))
    // Binary16 numbers, so that files of any type hold the same values.
    func half(_ value: Float) -> Float { Binary16.float(Binary16.bits(value)) }
    var values = (0..<count).map { _ in
      let value = weights.gaussian() * 0.1
      let base = half(role.isNorm ? 0.5 + value * 0.1 : value)
      guard isDelta else { return base }
      // A delta is the difference between two models in F16, as the scripts make it.
      let trained = half(base + training.gaussian() * 0.01)
      let isWhole = (role == .tokenEmbedding || role == .output) && !isAdditive
      return isWhole ? trained : half(trained - base)
    }
    change(name, &values)
    return values
  }

  /// Whether the folder holds a tensor: of those that a model may have, the biases it shall have.
  package func isStored(_ role: TensorRole) -> Bool {
    guard NamingScheme.huggingFace.holds(role) else { return false }
    guard case .layer(_, let tensor) = role, role.isBias else { return true }
    return biases.contains(tensor) || architecture.requiredTensors.contains(tensor)
  }

  private func encoded(_ values: [Float]) -> [UInt8] {
    var bytes = Bytes()
    for value in values {
      switch type {
      case .f32: bytes.put(value.bitPattern)
      case .f64: bytes.put(Double(value).bitPattern)
      case .bf16: bytes.put(BFloat16.bits(value))
      case .f8e5m2: bytes.put(UInt8(Binary16.bits(value) >> 8))
      case .f8e4m3: bytes.put(UInt8((0...255).first { Float8E4M3.float($0) == value } ?? 0x7F))
      default: bytes.put(Binary16.bits(value))
      }
    }
    return bytes.all
  }

  /// Writes `model.safetensors`, `config.json` and a `tokenizer.model` to a folder.
  @discardableResult
  public func write(to folder: TemporaryFolder, _ name: String) throws -> String {
    var header: [String] = []
    var data: [UInt8] = []
    for role in TensorRole.all(in: configuration) where isStored(role) {
      let tensor = NamingScheme.huggingFace.name(of: role, in: architecture)
      guard !omitted.contains(tensor) else { continue }
      let extents = isEmpty(tensor) ? [0] : role.extents(in: configuration)
      let bytes = isEmpty(tensor) ? [] : encoded(values(role, count: extents.reduce(1, *)))
      header.append(
        #""\#(sees ? "language_model." : "")\#(storedName(tensor))":"#
          + #"{"dtype":"\#(type.name)","shape":\#(extents),"#
          + #""data_offsets":[\#(data.count),\#(data.count + bytes.count)]}"#)
      data += bytes
    }
    let vision = sees ? ["vision_tower.head.probe": [Float(0)]] : [:]
    for (tensor, values) in vectors.merging(vision, uniquingKeysWith: { $1 })
      .sorted(by: { $0.key < $1.key })
    {
      let (start, end) = (data.count, data.count + 4 * values.count)
      header.append(
        #""\#(tensor)":{"dtype":"F32","shape":[\#(values.count)],"data_offsets":[\#(start),\#(end)]}"#
      )
      var bytes = Bytes()
      for value in values { bytes.put(value.bitPattern) }
      data += bytes.all
    }
    var file = Bytes()
    let text = "{\(header.joined(separator: ","))}"
    file.put(UInt64(text.utf8.count))
    file.put(text)
    file.put(data)
    try folder.write(file.all, to: "\(name)/model.safetensors")
    let further = fields.merging(head.map { ["head_dim": "\($0)"] } ?? [:]) { $1 }.sorted {
      $0.key < $1.key
    }
    .map { #","\#($0.key)":\#($0.value)"# }.joined()
    let config =
      #"{"model_type":"\#(architecture.huggingFaceType)","hidden_size":\#(hidden),"num_hidden_layers":\#(layers),"#
      + #""num_attention_heads":\#(heads),"num_key_value_heads":\#(keyValueHeads),"#
      + #""intermediate_size":\#(feedForward),"vocab_size":\#(rows),"#
      + #""tie_word_embeddings":\#(tiesEmbeddings || architecture.alwaysTies)\#(further)}"#
    let whole = sees ? #"{"model_type":"gemma3","text_config":\#(config)}"# : config
    try folder.write(whole.utf8, to: "\(name)/config.json")
    try folder.write(tokenizer, to: "\(name)/tokenizer.model")
    return folder(name)
  }

  /// `<unk>`, `<s>`, `</s>` and the 256 bytes.
  private var tokenizer: [UInt8] {
    var bytes: [UInt8] = []
    func piece(_ text: String, kind: UInt8) {
      let body = [0x0A, UInt8(text.utf8.count)] + Array(text.utf8) + [0x18, kind]
      bytes += [0x0A, UInt8(body.count)] + body
    }
    piece("<unk>", kind: 2)
    piece("<s>", kind: 3)
    piece("</s>", kind: 3)
    for byte in 0..<256 {
      let digits = String(byte, radix: 16, uppercase: true)
      piece("<0x\(byte < 16 ? "0" : "")\(digits)>", kind: 6)
    }
    return bytes + [0x12, 5, 0x18, 2, 0x98, 2, 1, 0x1A, 2, 0x20, 0]
  }
}
