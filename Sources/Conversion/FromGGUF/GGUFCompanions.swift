import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillSentencePiece
import WeightmillStrictJSON
import WeightmillTensors
import WeightmillTokenization

/// The files of a Hugging Face folder beside weights and `config.json`, made of a GGUF file.
struct GGUFCompanions {
  /// The files, by name.
  private(set) var files: [(name: String, content: [UInt8])] = []
  /// Remarks for the user.
  private(set) var notes: [String] = []
  /// The tokens with a role, as far as the file says them; `nil` without a tokenizer.
  let special: Vocabulary.Special?

  private let metadata: GGUFMetadata
  private let model: LoadedModel

  /// Makes the files.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - metadata: The file's metadata.
  init(_ model: LoadedModel, _ metadata: GGUFMetadata) {
    self.model = model
    self.metadata = metadata
    special = Self.special(model.tokenizer, metadata)
    add("generation_config.json", generation)
    addTokenizer()
    noteLeftOut()
  }

  private mutating func add(_ name: String, _ object: JSONObject) {
    files.append((name, Array(JSONValue.object(object).indented.utf8)))
  }

  /// The roles without llama.cpp's defaults for byte pairs, which are Falcon's.
  private static func special(
    _ tokenizer: ModelTokenizer?, _ metadata: GGUFMetadata
  ) -> Vocabulary.Special? {
    guard let tokenizer else { return nil }
    var special = tokenizer.vocabulary.special
    guard tokenizer.kind == .bytePairs else { return special }
    let names: [(Vocabulary.Role, String)] = [
      (.bos, "bos"), (.eos, "eos"), (.unknown, "unknown"), (.padding, "padding"),
    ]
    for (role, name) in names where metadata["tokenizer.ggml.\(name)_token_id"] == nil {
      special[role] = nil
    }
    return special
  }

  // MARK: generation_config.json

  /// The ids with which generation begins and ends: turns of a conversation end with tokens of their
  /// own in some models.
  private var generation: JSONObject {
    var object = JSONObject(members: [])
    func set(_ name: String, _ ids: [Int]) {
      let numbers = ids.map { JSONValue.number("\($0)") }
      if let first = numbers.first {
        object[name] = numbers.count == 1 ? first : .array(numbers)
      }
    }
    set("bos_token_id", [special?.bos].compactMap(\.self))
    var ends = [special?.eos].compactMap(\.self)
    // Of vocabularies with a gap to fill in, the key names the end of what is filled in.
    if metadata["tokenizer.ggml.middle_token_id"] == nil, let count = tokenCount {
      for name in ["eot", "eom"] {
        guard let id = metadata["tokenizer.ggml.\(name)_token_id"]?.integer,
          (0..<count).contains(id), !ends.contains(id)
        else { continue }
        ends.append(id)
      }
    }
    set("eos_token_id", ends)
    set("pad_token_id", [special?.padding].compactMap(\.self))
    return object
  }

  private var tokenCount: Int? { model.tokenizer?.vocabulary.tokens.count }

  // MARK: Tokenizer

  private mutating func addTokenizer() {
    guard let tokenizer = model.tokenizer, let special else {
      let reason = model.tokenizerObstacle.map { "it \($0.problem)" }
      noteMissing(reason ?? "the file has none of a kind that is read")
      return
    }
    do throws(WeightmillError) {
      let written = try WrittenTokenizer(tokenizer, location: model.llama.catalogue.location)
      files.append(("tokenizer.json", Array(written.json.indented.utf8)))
      if let pieces = written.model { addModel(pieces) }
      add("tokenizer_config.json", settings(tokenizer, special, listing: written.listed))
      notes.append(
        "the tokenizer does what the GGUF file says; what such files do not say is left out: changes "
          + "of a text before it is cut, and white space that special tokens take with them")
    } catch {
      noteMissing("it \(error.problem)")
      if model.chatTemplates != ChatTemplates() { addTemplatesAlone() }
    }
  }

  /// Adds `tokenizer.model`, if such a file can hold the vocabulary.
  private mutating func addModel(_ pieces: ModelPieces) {
    do throws(WeightmillError) {
      let bytes = try SentencePieceModel.serialized(
        pieces, location: model.llama.catalogue.location)
      files.append(("tokenizer.model", bytes))
    } catch {
      notes.append("no tokenizer.model is written: the vocabulary \(error.problem)")
    }
  }

  private mutating func noteMissing(_ reason: String) {
    notes.append(
      "no tokenizer is written: \(reason); copy the tokenizer's files from the original model")
  }

  /// `tokenizer_config.json`: which class reads `tokenizer.json` as it is, roles, chat template.
  private func settings(
    _ tokenizer: ModelTokenizer, _ special: Vocabulary.Special, listing added: [AddedToken]
  ) -> JSONObject {
    var object = JSONObject(members: [])
    object["tokenizer_class"] = .string("PreTrainedTokenizerFast")
    object["add_bos_token"] = .bool(special.addsBOS && special.bos != nil)
    object["add_eos_token"] = .bool(special.addsEOS && special.eos != nil)
    if tokenizer.kind == .bytePairs,
      let adds = metadata["tokenizer.ggml.add_space_prefix"]?.bool
    {
      object["add_prefix_space"] = .bool(adds)
    }
    if !added.isEmpty {
      object["added_tokens_decoder"] = .object(
        JSONObject(
          members: added.map {
            .init(name: "\($0.id)", value: .object(JSONObject(members: $0.members)))
          }))
    }
    for role in Vocabulary.Role.allCases {
      if let id = special[role] {
        object[role.textKey] = .string(tokenizer.vocabulary.tokens[id].text)
      }
    }
    object["clean_up_tokenization_spaces"] = .bool(false)
    object["model_max_length"] = .number("\(model.llama.configuration.contextLength)")
    object["chat_template"] = templates
    return object
  }

  /// The chat template: a text, or a list where there are others by name.
  private var templates: JSONValue? {
    let templates = model.chatTemplates
    guard !templates.named.isEmpty else { return templates.main.map { .string($0) } }
    func entry(_ name: String, _ text: String) -> JSONValue {
      .object(
        JSONObject(members: [
          .init(name: "name", value: .string(name)), .init(name: "template", value: .string(text)),
        ]))
    }
    return .array(
      (templates.main.map { [entry("default", $0)] } ?? [])
        + templates.named.map { entry($0.name, $0.text) })
  }

  /// A model's template is of use beside tokenizer files from elsewhere.
  private mutating func addTemplatesAlone() {
    if let main = model.chatTemplate { files.append(("chat_template.jinja", Array(main.utf8))) }
  }

  // MARK: What is left out

  /// Keys that say of the file itself, or of what stands in the folder in another way.
  private static let ofTheFile = [
    "general.architecture", "general.type", "general.name", "general.size_label",
    "general.file_type", "general.quantization_version", "general.alignment",
  ]
  /// Groups of such keys.
  private static let groupsOfTheFile = ["split.", "weightmill.", "quantize.imatrix."]
  /// The names behind `tokenizer.ggml.` that are read.
  private static let ofTheTokenizer = [
    "model", "pre", "tokens", "scores", "token_type", "merges", "bos_token_id", "eos_token_id",
    "unknown_token_id", "padding_token_id", "prefix_token_id", "suffix_token_id",
    "middle_token_id", "eot_token_id", "eom_token_id", "add_bos_token", "add_eos_token",
    "add_space_prefix",
  ]

  private mutating func noteLeftOut() {
    let architecture = model.llama.architecture
    let known = Set(
      Self.ofTheFile + Architecture.Key.allCases.map(architecture.name)
        + Self.ofTheTokenizer.map { "tokenizer.ggml.\($0)" })
    let left = metadata.entries.map(\.key).filter { key in
      !known.contains(key) && !key.hasPrefix("tokenizer.chat_template")
        && !Self.groupsOfTheFile.contains { key.hasPrefix($0) }
    }
    guard !left.isEmpty else { return }
    let more = left.count > 8 ? " and \(left.count - 8) more" : ""
    notes.append(
      "metadata for which the folder has no place is left out: "
        + left.prefix(8).map { printable($0) }.joined(separator: ", ") + more)
  }
}
