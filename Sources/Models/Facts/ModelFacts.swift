import SystemPackage
import WeightmillGGUF
import WeightmillLLaMA
import WeightmillStrictJSON
import WeightmillTensors
import WeightmillTokenization

/// What a page about a model says: name, sizes, types, tokenizer, licence, origin.
///
/// Any checkpoint has them, whether or not its architecture is known: what is not said is `nil`.
package struct ModelFacts: Sendable, Encodable {
  /// The tensors of one type.
  package struct TypeShare: Sendable, Encodable {
    /// The type's name.
    package let type: String
    /// How many tensors have it.
    package let tensors: Int
    /// How many values they have.
    package let values: Int
    /// How many bytes they take.
    package let bytes: Int
  }

  /// A line on where a model comes from.
  package struct Origin: Sendable, Encodable {
    /// What it is, such as `base model`.
    package let what: String
    /// Its name or address.
    package let text: String
  }

  /// The model's name.
  package private(set) var name: String
  /// The name of its file or folder.
  package let file: String
  /// How many files hold its weights.
  package let files: Int
  /// What kind of file or folder it is.
  package let kind: String
  /// Whether it is a GGUF file.
  package let isGGUF: Bool
  /// The name of its architecture.
  package private(set) var architecture: String?
  /// How many values its tensors have.
  package let parameters: Int
  /// How many bytes its tensors take.
  package let bytes: Int
  /// Bits for each value.
  package let bitsPerWeight: Double?
  /// The types, that of most bytes first.
  package let types: [TypeShare]
  /// The number of tokens it was trained to see at once.
  package private(set) var contextLength: Int?
  /// The number of its tokens.
  package private(set) var tokens: Int?
  /// The kind of its tokenizer.
  package private(set) var tokenizer: String?
  /// Whether it has a chat template.
  package private(set) var hasChatTemplate = false
  /// The format that its chat template writes, if it is known.
  package private(set) var chatFormat: String?
  /// Its licence.
  package private(set) var license: String?
  /// Where it comes from.
  package private(set) var origins: [Origin] = []

  /// Gathers the facts.
  ///
  /// - Parameter checkpoint: The checkpoint.
  package init(_ checkpoint: Checkpoint) {
    let tensors = checkpoint.catalogue.tensors
    file = FilePath(checkpoint.path).lastComponent?.string ?? checkpoint.path
    files = checkpoint.weightFiles.count
    name = file
    kind = checkpoint.layout.rawValue
    isGGUF = checkpoint.layout == .ggufFile
    parameters = checkpoint.catalogue.parameterCount
    bytes = checkpoint.catalogue.byteCount
    bitsPerWeight = parameters > 0 ? Double(bytes) * 8 / Double(parameters) : nil
    types = Dictionary(grouping: tensors, by: \.type).map { type, tensors in
      TypeShare(
        type: type.name, tensors: tensors.count,
        values: tensors.reduce(0) { $0 + $1.shape.count },
        bytes: tensors.reduce(0) { $0 + $1.byteCount })
    }.sorted { ($1.bytes, $0.type) < ($0.bytes, $1.type) }
    if let metadata = checkpoint.metadata {
      read(metadata)
    } else if let json = checkpoint.configuration?.json {
      read(json)
    }
    readTokenizer(checkpoint)
  }

  private mutating func read(_ metadata: GGUFMetadata) {
    func text(_ key: String) -> String? { metadata[key]?.string.flatMap { $0.isEmpty ? nil : $0 } }
    if let own = text("general.name") { name = own }
    architecture = text("general.architecture")
    contextLength = architecture.flatMap { metadata["\($0).context_length"]?.integer }
    license = text("general.license.name") ?? text("general.license")
    for (what, key) in [
      ("organization", "general.organization"), ("author", "general.author"),
      ("repository", "general.repo_url"), ("address", "general.url"),
      ("source", "general.source.repo_url"), ("source", "general.source.url"),
      ("source", "general.source.huggingface.repository"),
      ("licence's text", "general.license.link"), ("quantized by", "general.quantized_by"),
    ] {
      if let text = text(key) { origins.append(Origin(what: what, text: text)) }
    }
    let count = min(max(metadata["general.base_model.count"]?.integer ?? 0, 0), 16)
    for number in 0..<count {
      let key = "general.base_model.\(number)."
      let parts = ["organization", "name", "repo_url"].compactMap { text(key + $0) }
      if !parts.isEmpty {
        origins.append(Origin(what: "base model", text: parts.joined(separator: ", ")))
      }
    }
    var number = 0
    while let file = text("weightmill.source.\(number).path_basename"), number < 1000 {
      let role = text("weightmill.source.\(number).role") ?? "model"
      let hash = text("weightmill.source.\(number).sha256").map { ", SHA-256 \($0)" } ?? ""
      origins.append(Origin(what: "made of the \(role)", text: file + hash))
      number += 1
    }
    if let file = text("quantize.imatrix.file") {
      origins.append(Origin(what: "importance", text: file))
    }
  }

  private mutating func read(_ json: JSONValue) {
    let fields = LlamaConfiguration.textFields(json).object
    architecture = fields?["model_type"]?.string
    contextLength =
      fields?.nonNull("max_position_embeddings")?.integer
      ?? LlamaConfiguration.metaFields(json).object?["max_seq_len"]?.integer
    if architecture == nil, fields?["dim"] != nil { architecture = "llama" }
  }

  /// A tokenizer that cannot be used is one of which nothing is said.
  private mutating func readTokenizer(_ checkpoint: Checkpoint) {
    var vocabulary: Vocabulary?
    var templates: ChatTemplates?
    if let metadata = checkpoint.metadata {
      let model = metadata["tokenizer.ggml.model"]?.string
      tokens = metadata["tokenizer.ggml.tokens"]?.array?.count
      let pre = metadata["tokenizer.ggml.pre"]?.string
      switch model {
      case "llama": tokenizer = "SentencePiece, byte pairs"
      case "gpt2": tokenizer = "byte pairs" + (pre.map { ", cut as \($0)" } ?? "")
      default: tokenizer = model
      }
      vocabulary = (try? ModelTokenizer(gguf: metadata, location: checkpoint.path))?.vocabulary
      templates = try? ChatTemplates(gguf: metadata, location: checkpoint.path)
    } else if checkpoint.layout != .adapter {
      let read = try? ModelLoader.tokenizer(checkpoint.path)
      vocabulary = read?.vocabulary
      tokens = vocabulary?.tokens.count
      switch read {
      case .sentencePiece?: tokenizer = "SentencePiece, byte pairs"
      case .bytePairs(let pairs)?:
        tokenizer =
          "byte pairs" + (pairs.source.preTokenizerName.map { ", cut as \($0)" } ?? "")
      case nil: break
      }
      let files = (try? Folder(checkpoint.folder)).flatMap { try? TokenizerFiles($0, checkpoint) }
      templates = files?.chatTemplates
    }
    guard let text = templates?.main else {
      hasChatTemplate = templates?.names.isEmpty == false
      return
    }
    hasChatTemplate = true
    chatFormat = try? ChatTemplate(text, vocabulary: vocabulary, location: checkpoint.path).name
  }
}
