import WeightmillStrictJSON
package import WeightmillTensors
package import WeightmillTokenization

/// The files of a folder that make its tokenizer.
///
/// With a `tokenizer.model` the recipe is that of llama.cpp's converter, so that token lists are the same: an unused token
/// for each row of the embedding matrix, over them the pieces of `tokenizer.model`, then
/// `added_tokens.json` as user-defined tokens, then `added_tokens_decoder` of
/// `tokenizer_config.json`. A `tokenizer.json` tells all but which tokens have a role.
package struct TokenizerFiles {
  /// Files that may lie outside of the checkpoint's folder.
  package let files: [String]
  /// Remarks for the user.
  package let notes: [String]
  private let kind: ModelTokenizer.Kind
  private let modelPath: String
  private let added: (path: String, object: JSONObject)?
  private let settings: (path: String, object: JSONObject)?
  private let configuration: JSONObject?
  private let template: String?

  /// Looks for the files; `nil` when the folder has no `tokenizer.model`.
  package init?(_ folder: Folder, _ checkpoint: Checkpoint) throws(WeightmillError) {
    let name = "tokenizer.model"
    // Meta publishes one for all sizes, one folder up.
    let above = checkpoint.layout == .meta ? folder.pathAbove(name) : nil
    guard let modelPath = folder.contains(name) ? folder.path(name) : above else { return nil }
    kind = .sentencePiece
    self.modelPath = modelPath
    notes = folder.contains(name) ? [] : ["the tokenizer is \(modelPath), one folder up"]
    added = try Self.object("added_tokens.json", in: folder)
    settings = try Self.object("tokenizer_config.json", in: folder)
    configuration = checkpoint.configuration?.json.object
    template = try Self.template(folder)
    files = [modelPath]
  }

  /// Looks for a `tokenizer.json` with its settings; `nil` when the folder has none.
  package init?(bytePairs folder: Folder, _ checkpoint: Checkpoint) throws(WeightmillError) {
    guard folder.contains("tokenizer.json") else { return nil }
    kind = .bytePairs
    modelPath = folder.path("tokenizer.json")
    notes = []
    added = nil
    settings = try Self.object("tokenizer_config.json", in: folder)
    configuration = checkpoint.configuration?.json.object
    template = try Self.template(folder)
    files = [modelPath]
  }

  private static func object(
    _ name: String, in folder: Folder
  ) throws(WeightmillError) -> (path: String, object: JSONObject)? {
    guard folder.contains(name) else { return nil }
    let path = folder.path(name)
    guard let object = try TextInput.json(path).object else {
      throw WeightmillError(.malformed, path, "is not a JSON object")
    }
    return (path, object)
  }

  /// Newer folders keep the chat template in a file of its own.
  private static func template(_ folder: Folder) throws(WeightmillError) -> String? {
    let name = "chat_template.jinja"
    guard folder.contains(name) else { return nil }
    try FileKind.refusePlaceholder(folder.path(name))
    let file = try InputFile(folder.path(name))
    guard file.byteCount <= 1 << 20,
      let text = String(
        validating: try file.bytes(at: 0, count: file.byteCount), as: UTF8.self)
    else {
      throw WeightmillError(.malformed, file.path, "is no UTF-8 text of at most 1 MiB")
    }
    return text
  }

  /// The tokenizer with a token for each row of the embedding matrix.
  package func tokenizer(rows: Int) throws(WeightmillError) -> ModelTokenizer {
    try FileKind.refusePlaceholder(modelPath)
    return switch kind {
    case .sentencePiece: .sentencePiece(Tokenizer(try sentencePieces(rows: rows)))
    case .bytePairs: .bytePairs(BPETokenizer(try bytePairs(rows: rows)))
    }
  }

  private func bytePairs(rows: Int) throws(WeightmillError) -> BPEVocabulary {
    var source = try TokenizerJSON(path: modelPath).vocabulary
    let template = source.vocabulary.special
    try pad(&source.vocabulary, rows: rows)
    try applySettings(to: &source.vocabulary)
    // What the template puts around a text is there, whatever else the settings name.
    var special = source.vocabulary.special
    (special.addsBOS, special.addsEOS) = (template.addsBOS, template.addsEOS)
    if template.addsBOS { special.bos = template.bos }
    if template.addsEOS { special.eos = template.eos }
    source.vocabulary.special = special
    return source
  }

  private func pad(_ vocabulary: inout Vocabulary, rows: Int) throws(WeightmillError) {
    guard vocabulary.tokens.count <= rows else {
      throw WeightmillError(
        .mismatch, modelPath,
        "holds \(vocabulary.tokens.count) tokens, but the model has \(rows) embedding rows",
        remedy: "use the tokenizer that came with the model")
    }
    vocabulary.pad(toRows: rows)
  }

  private func sentencePieces(rows: Int) throws(WeightmillError) -> Vocabulary {
    var vocabulary = try SentencePieceModel(path: modelPath).vocabulary
    try pad(&vocabulary, rows: rows)
    if let added {
      var ids: Set<Int> = []
      for member in added.object.members {
        guard let id = member.value.integer, ids.insert(id).inserted else {
          throw WeightmillError(
            .malformed, added.path,
            "the id of token \(quoted(member.name)) is not a number, or another token's")
        }
        try vocabulary.add(member.name, id: id, location: added.path)
      }
    }
    if let settings { try addDecoder(settings, to: &vocabulary) }
    try applySettings(to: &vocabulary)
    return vocabulary
  }

  private func addDecoder(
    _ file: (path: String, object: JSONObject), to vocabulary: inout Vocabulary
  ) throws(WeightmillError) {
    guard let decoder = file.object["added_tokens_decoder"]?.object else { return }
    for member in decoder.members {
      guard let id = Int(member.name), String(id) == member.name,
        let content = member.value.object?["content"]?.string
      else {
        throw WeightmillError(
          .malformed, file.path, "added_tokens_decoder entry \(quoted(member.name)) is malformed")
      }
      let isSpecial =
        member.value.object?["special"]?.bool ?? false || Self.looksSpecial(content)
      try vocabulary.add(
        isSpecial ? content : content.withSpaces, id: id,
        kind: isSpecial ? .control : .userDefined, location: file.path)
    }
  }

  /// Texts that are control tokens whether or not the file says so, by llama.cpp's converter.
  private static func looksSpecial(_ text: String) -> Bool {
    ["<pad>", "<mask>", "<2mass>", "[@BOS@]"].contains(text)
      || (text.hasPrefix("<|") && text.hasSuffix("|>"))
      || (text.hasPrefix("<\u{FF5C}") && text.hasSuffix("\u{FF5C}>"))
      || (text.hasPrefix("<unused") && text.hasSuffix(">"))
  }

  /// Special tokens by the tokenizer's settings, or else by the model's configuration.
  private func applySettings(to vocabulary: inout Vocabulary) throws(WeightmillError) {
    var special = vocabulary.special
    let tokens = vocabulary.tokens
    func id(_ name: String, _ present: Int?) throws(WeightmillError) -> Int? {
      let value = settings?.object.nonNull(name)
      if let text = value?.string ?? value?.object?["content"]?.string, !text.isEmpty,
        let path = settings?.path
      {
        guard let id = tokens.firstIndex(where: { TensorName($0.text) == TensorName(text) }) else {
          throw WeightmillError(
            .mismatch, path, "names the \(name) \(quoted(text)), which is not in the vocabulary",
            remedy: "use the tokenizer that came with the model")
        }
        return id
      }
      guard let id = configuration?.nonNull("\(name)_id")?.integer else { return present }
      // -1 is how some checkpoints write "none".
      guard id >= 0 else { return present }
      guard id < tokens.count else {
        throw WeightmillError(
          .mismatch, modelPath, "the configuration's \(name)_id \(id) is not in the vocabulary")
      }
      return id
    }
    special.bos = try id("bos_token", special.bos)
    special.eos = try id("eos_token", special.eos)
    special.padding = try id("pad_token", special.padding)
    special.addsBOS = settings?.object["add_bos_token"]?.bool ?? special.addsBOS
    special.addsEOS = settings?.object["add_eos_token"]?.bool ?? special.addsEOS
    vocabulary.special = special
  }

  /// The template the folder brings.
  package func chatTemplate() -> String? {
    template ?? settings?.object["chat_template"]?.string
  }

  /// Ziya's dialogue as its authors train and run it, if the vocabulary has its tokens.
  ///
  /// Source: `finetune_ziya_llama.py` and `llama_generate.py` of Fengshenbang-LM: a question is
  /// `<human>:` + text + newline + `<bot>:`, an answer is its text and the end token.
  package func ziyaChatTemplate() -> String? {
    guard let added, added.object["<human>"] != nil, added.object["<bot>"] != nil else {
      return nil
    }
    return ChatTemplate.ziyaText
  }
}
