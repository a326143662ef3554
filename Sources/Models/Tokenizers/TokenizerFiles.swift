import WeightmillStrictJSON
package import WeightmillTensors
package import WeightmillTokenization

/// The files of a folder that make its tokenizer.
///
/// With a SentencePiece `tokenizer.model` the recipe is that of llama.cpp's converter, so that token lists are the
/// same: an unused token for each row of the embedding matrix, over them the pieces of `tokenizer.model`, then
/// `added_tokens.json` as user-defined tokens, then `added_tokens_decoder` of `tokenizer_config.json`; a
/// `tokenizer.json` beside it tells of further added tokens, and what is put around a text. The files of byte
/// pairs tell all but which tokens have a role.
package struct TokenizerFiles {
  /// Where the vocabulary is.
  fileprivate enum Source {
    case sentencePiece(String)
    /// LLaMA 3's `tokenizer.model`.
    case tiktoken(String)
    case json(String)
    case tekken(String)
    case vocabularyAndMerges(String, String)

    var paths: [String] {
      switch self {
      case .sentencePiece(let path), .tiktoken(let path), .json(let path), .tekken(let path):
        [path]
      case .vocabularyAndMerges(let vocabulary, let merges): [vocabulary, merges]
      }
    }
  }

  /// Files that may lie outside of the checkpoint's folder.
  package var files: [String] { source.paths }
  /// Remarks for the user.
  package private(set) var notes: [String]
  private let source: Source
  private let added: (path: String, object: JSONObject)?
  private let settings: TokenizerSettings
  /// The chat templates that the folder brings.
  package let chatTemplates: ChatTemplates
  /// What a `tokenizer.json` beside a SentencePiece model knows.
  private var beside: TokenizerJSONExtras?

  /// Whether the tokenizer is a SentencePiece model: the weights are not of use without it.
  package static func isSentencePiece(
    _ folder: Folder, _ checkpoint: Checkpoint
  ) throws(WeightmillError) -> Bool {
    if case .sentencePiece? = try source(folder, checkpoint) { true } else { false }
  }

  /// Looks for the files; `nil` when the folder has none.
  package init?(_ folder: Folder, _ checkpoint: Checkpoint) throws(WeightmillError) {
    guard let source = try Self.source(folder, checkpoint) else { return nil }
    self.source = source
    let isAbove =
      !folder.contains("tokenizer.model") && source.paths[0].hasSuffix("/tokenizer.model")
    var notes = isAbove ? ["the tokenizer is \(source.paths[0]), one folder up"] : []
    added = try Self.object("added_tokens.json", in: folder)
    settings = TokenizerSettings(
      file: try Self.object("tokenizer_config.json", in: folder),
      configuration: checkpoint.configuration?.json.object)
    chatTemplates = try ChatTemplates(folder, settings: settings.file?.object, notes: &notes)
    self.notes = notes
    if case .sentencePiece = source { readBeside(folder) }
  }

  /// The order is that of llama.cpp's converter for LLaMA's models; LLaMA 3's own file comes behind
  /// the `tokenizer.json` that was made of it, which names more tokens.
  private static func source(
    _ folder: Folder, _ checkpoint: Checkpoint
  ) throws(WeightmillError) -> Source? {
    let (model, json, tekken) = ("tokenizer.model", "tokenizer.json", "tekken.json")
    if folder.contains(tekken), !folder.contains(json) { return .tekken(folder.path(tekken)) }
    // Meta publishes one for all sizes, one folder up.
    let above = checkpoint.layout == .meta ? folder.pathAbove(model) : nil
    let path = folder.contains(model) ? folder.path(model) : above
    if let path, try !TiktokenModel.isLikely(path: path) { return .sentencePiece(path) }
    if folder.contains(json) { return .json(folder.path(json)) }
    if let path { return .tiktoken(path) }
    if folder.contains("vocab.json"), folder.contains("merges.txt") {
      return .vocabularyAndMerges(folder.path("vocab.json"), folder.path("merges.txt"))
    }
    return nil
  }

  /// A `tokenizer.json` that cannot be read is left out: the model is whole without it.
  private mutating func readBeside(_ folder: Folder) {
    guard folder.contains("tokenizer.json") else { return }
    let path = folder.path("tokenizer.json")
    do throws(WeightmillError) {
      try FileKind.refusePlaceholder(path)
      beside = try TokenizerJSONExtras(path: path)
    } catch {
      notes.append("left out, beside tokenizer.model: \(error)")
    }
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

  /// The tokenizer with a token for each row of the embedding matrix.
  ///
  /// - Parameters:
  ///   - rows: The number of rows.
  ///   - name: llama.cpp's name for the way byte pairs cut text, whatever the files say.
  /// - Returns: The tokenizer.
  /// - Throws: The errors of the files; `mismatch` when it has more tokens than there are rows;
  ///   `unsupported` for names that are not known, `usage` for a name that has no use.
  package func tokenizer(
    rows: Int, cutAsIn name: String? = nil
  ) throws(WeightmillError) -> ModelTokenizer {
    for path in source.paths { try FileKind.refusePlaceholder(path) }
    guard case .sentencePiece(let path) = source else {
      return .bytePairs(BPETokenizer(try bytePairs(rows: rows, cutAsIn: name)))
    }
    if name != nil { throw Self.uncut(path) }
    let model = try SentencePieceModel(path: path)
    return .sentencePiece(
      model.tokenizer(with: try sentencePieces(model.vocabulary, path, rows: rows)))
  }

  /// The error for a way of cutting that is given for a SentencePiece vocabulary.
  static func uncut(_ location: String) -> WeightmillError {
    WeightmillError(
      .usage, location, "has a SentencePiece vocabulary, which cuts no text into words",
      remedy: "leave out --pre")
  }

  private func bytePairs(
    rows: Int, cutAsIn name: String?
  ) throws(WeightmillError) -> BPEVocabulary {
    var read = try source.bytePairs(settings, added)
    let path = source.paths[0]
    let template = read.vocabulary.special
    try pad(&read.vocabulary, path, rows: rows)
    try settings.apply(
      to: &read.vocabulary, path: path, template: read.hasTemplate ? template : nil,
      namesUnknown: true)
    read.addRolesAroundText()
    read.spacePrefixSetting = settings.addsPrefixSpace
    return try name.map { (name) throws(WeightmillError) in try read.cutting(asIn: name) } ?? read
  }

  private func pad(
    _ vocabulary: inout Vocabulary, _ path: String, rows: Int
  ) throws(WeightmillError) {
    guard vocabulary.tokens.count <= rows else {
      throw WeightmillError(
        .mismatch, path,
        "holds \(vocabulary.tokens.count) tokens, but the model has \(rows) embedding rows",
        remedy: "use the tokenizer that came with the model")
    }
    vocabulary.pad(toRows: rows)
  }

  private func sentencePieces(
    _ vocabulary: Vocabulary, _ path: String, rows: Int
  ) throws(WeightmillError) -> Vocabulary {
    var vocabulary = vocabulary
    try pad(&vocabulary, path, rows: rows)
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
    for (id, object) in try settings.addedTokens() {
      try vocabulary.add(
        object["content"]?.string ?? "", id: id, isSpecial: object["special"]?.bool ?? false,
        location: settings.file?.path ?? path)
    }
    if let beside {
      for token in beside.addedTokens
      where vocabulary.tokens.indices.contains(token.id)
        && vocabulary.tokens[token.id].kind == .unused
      {
        try vocabulary.add(
          token.content, id: token.id, isSpecial: token.isSpecial, location: beside.location)
      }
    }
    try settings.apply(
      to: &vocabulary, path: path, template: beside?.special(of: vocabulary.special))
    if let adds = settings.addsPrefixSpace { vocabulary.special.addsSpacePrefix = adds }
    return vocabulary
  }

  /// The folder's chat templates, or else Ziya's dialogue as its authors train and run it, if the
  /// vocabulary has its tokens.
  ///
  /// Source: `finetune_ziya_llama.py` and `llama_generate.py` of Fengshenbang-LM: a question is
  /// `<human>:` + text + newline + `<bot>:`, an answer is its text and the end token.
  package var dialogueTemplates: ChatTemplates {
    var templates = chatTemplates
    if templates.main == nil, added?.object["<human>"] != nil, added?.object["<bot>"] != nil {
      templates.main = ChatTemplate.ziyaText
    }
    return templates
  }
}

extension TokenizerFiles.Source {
  /// Reads a vocabulary of byte pairs.
  fileprivate func bytePairs(
    _ settings: TokenizerSettings, _ added: (path: String, object: JSONObject)?
  ) throws(WeightmillError) -> BPEVocabulary {
    switch self {
    case .sentencePiece(let path), .tiktoken(let path):
      return try TiktokenModel(path: path).vocabulary
    case .json(let path): return try TokenizerJSON(path: path).vocabulary
    case .tekken(let path): return try TekkenModel(path: path).vocabulary
    case .vocabularyAndMerges(let vocabulary, let merges):
      var tokens: [VocabularyAndMerges.Added] = []
      for (id, object) in try settings.addedTokens() {
        tokens.append(VocabularyAndMerges.Added(id: id, members: object))
      }
      for member in added?.object.members ?? [] {
        guard let id = member.value.integer else {
          throw WeightmillError(
            .malformed, added?.path ?? "", "the id of token \(quoted(member.name)) is not a number")
        }
        guard !tokens.contains(where: { $0.id == id }) else { continue }
        tokens.append(VocabularyAndMerges.Added(id: id, text: member.name))
      }
      return try VocabularyAndMerges(
        vocabulary: vocabulary, merges: merges, added: tokens, className: settings.className,
        addsPrefixSpace: settings.addsPrefixSpace ?? false
      ).vocabulary
    }
  }
}

extension Vocabulary {
  /// Gives an id another token, as a list of added tokens says: control tokens as they are, others
  /// with spaces for U+2581.
  fileprivate mutating func add(
    _ text: String, id: Int, isSpecial: Bool, location: String
  ) throws(WeightmillError) {
    let isControl = isSpecial || AddedToken.looksSpecial(text)
    try add(
      isControl ? text : text.withSpaces, id: id, kind: isControl ? .control : .userDefined,
      location: location)
  }
}
