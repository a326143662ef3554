import WeightmillLLaMA
import WeightmillModels
import WeightmillStrictJSON
import WeightmillTensors
import WeightmillTokenization

/// The files of a Hugging Face folder beside the weights and `config.json`.
///
/// They are copied from where the model's tokenizer comes from: the delta if there is one. What
/// transformers needs and Meta's layout lacks is made.
struct CompanionFiles {
  /// The names that are copied.
  static let names = [
    "generation_config.json", "tokenizer.model", "tokenizer.json", "tokenizer_config.json",
    "special_tokens_map.json", "added_tokens.json", "chat_template.jinja", "chat_template.json",
  ]
  /// The largest file that is copied, in bytes; Llama 3's `tokenizer.json` takes 9 MB.
  private static let maximumBytes = 100_000_000

  /// The files, by name.
  private(set) var files: [(name: String, content: [UInt8])] = []
  /// Remarks for the user.
  private(set) var notes: [String] = []
  private let vocabulary: Vocabulary?
  private let repair: FolderRepair
  private var hasChatTemplate = false

  /// Reads the files, or makes them.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - folder: The folder of the model's configuration.
  ///   - tokenizer: The folder of its tokenizer.
  /// - Throws: `malformed` for a file that is not what its name says; the errors of reading.
  init(
    _ model: LoadedModel, folder: Folder?, tokenizer: Folder?
  ) throws(WeightmillError) {
    vocabulary = model.tokenizer?.vocabulary
    repair = FolderRepair(
      vocabulary, rows: model.llama.configuration.vocabularyRows,
      hasTokenizerJSON: tokenizer?.contains("tokenizer.json") ?? false)
    guard let folder, let tokenizer else { return }
    for name in Self.names {
      let source = name == "generation_config.json" ? folder : tokenizer
      guard let path = Self.path(name, source) else { continue }
      files.append((name, try content(path, name)))
    }
    for name in try ChatTemplates.namedFiles(tokenizer) {
      let name = "\(ChatTemplates.folderName)/\(name)"
      files.append((name, try content(tokenizer.path(name), name)))
    }
    addTokenizerConfiguration()
    // One that is the model's, but stands in no file.
    if let template = model.chatTemplate, !hasChatTemplate {
      files.append(("chat_template.jinja", Array(template.utf8)))
    }
    if !contains("tokenizer.model"), !contains("tokenizer.json") {
      notes.append("\(tokenizer.path) has no tokenizer; none was written")
    }
  }

  private func contains(_ name: String) -> Bool { files.contains { $0.name == name } }

  private static func path(_ name: String, _ folder: Folder) -> String? {
    if folder.contains(name) { return folder.path(name) }
    // Meta publishes one for all sizes, one folder up.
    return name == "tokenizer.model" && folder.contains("consolidated.00.pth")
      ? folder.pathAbove(name) : nil
  }

  private mutating func content(
    _ path: String, _ name: String
  ) throws(WeightmillError) -> [UInt8] {
    try FileKind.refusePlaceholder(path, isTemplate: name.hasSuffix(".jinja"))
    let file = try InputFile(path)
    guard file.byteCount <= Self.maximumBytes else {
      throw WeightmillError(
        .malformed, path,
        "is \(file.byteCount) bytes long; at most \(Self.maximumBytes) are expected")
    }
    let content = try file.bytes(at: 0, count: file.byteCount)
    if name == "chat_template.jinja" { hasChatTemplate = true }
    guard name.hasSuffix(".json") else { return content }
    if name == "tokenizer.json", !repair.hasSurplus(path) { return content }
    guard var object = try JSONParser.parse(content, file: path).object else {
      throw WeightmillError(.malformed, path, "is not a JSON object")
    }
    if object.nonNull("chat_template") != nil { hasChatTemplate = true }
    let repairs = repair.repair(&object, name)
    guard !repairs.isEmpty else { return content }
    notes.append("\(path) was copied with changes: \(repairs.joined(separator: ", "))")
    return Array(JSONValue.object(object).indented.utf8)
  }

  /// A `tokenizer.model` alone does not tell transformers how to use it.
  private mutating func addTokenizerConfiguration() {
    guard contains("tokenizer.model"), !contains("tokenizer_config.json"), let vocabulary else {
      return
    }
    var object = JSONObject(members: [])
    object["tokenizer_class"] = .string("LlamaTokenizer")
    object["add_bos_token"] = .bool(vocabulary.special.addsBOS)
    object["add_eos_token"] = .bool(vocabulary.special.addsEOS)
    for role in FolderRepair.namedRoles {
      if let id = vocabulary.special[role] {
        object[role.textKey] = .string(vocabulary.tokens[id].text)
      }
    }
    object["clean_up_tokenization_spaces"] = .bool(false)
    files.append(("tokenizer_config.json", Array(JSONValue.object(object).indented.utf8)))
  }
}
