import WeightmillSentencePiece
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
      map: Self.map(in: folder, notes: &notes), configuration: checkpoint.configuration)
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

  /// `special_tokens_map.json`, which other programs wrote and most models do without.
  private static func map(in folder: Folder, notes: inout [String]) -> JSONObject? {
    do throws(WeightmillError) {
      return try object("special_tokens_map.json", in: folder)?.object
    } catch {
      notes.append("left out: \(error)")
      return nil
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
  /// - Returns: The tokenizer, and what the user should know of it.
  /// - Throws: The errors of the files; `mismatch` when it has more tokens than there are rows;
  ///   `unsupported` for names that are not known, `usage` for a name that has no use.
  package func tokenizer(
    rows: Int, cutAsIn name: String? = nil
  ) throws(WeightmillError) -> (tokenizer: ModelTokenizer, notes: [String]) {
    for path in source.paths { try FileKind.refusePlaceholder(path) }
    guard case .sentencePiece(let path) = source else {
      let (vocabulary, notes) = try bytePairs(rows: rows, cutAsIn: name)
      return (.bytePairs(BPETokenizer(vocabulary)), notes)
    }
    if name != nil { throw Self.uncut(path) }
    let model = try SentencePieceModel(path: path)
    let (vocabulary, notes) = try sentencePieces(model.vocabulary, path, rows: rows)
    return (.sentencePiece(model.tokenizer(with: vocabulary)), notes)
  }

  /// The error for a way of cutting that is given for a SentencePiece vocabulary.
  static func uncut(_ location: String) -> WeightmillError {
    WeightmillError(
      .usage, location, "has a SentencePiece vocabulary, which cuts no text into words",
      remedy: "leave out --pre")
  }

  private func bytePairs(
    rows: Int, cutAsIn name: String?
  ) throws(WeightmillError) -> (BPEVocabulary, notes: [String]) {
    var read = try source.bytePairs(settings, added)
    let path = source.paths[0]
    let template = read.vocabulary.special
    let count = read.vocabulary.tokens.count
    var surplus = SurplusTokens(rows: rows)
    guard surplus.note(behind: read.vocabulary, path), read.cut(toRows: rows) else {
      throw SurplusTokens.tooMany(count, rows: rows, path)
    }
    try surplus.check()
    read.vocabulary.pad(toRows: rows)
    let notes = try settings.apply(
      to: &read.vocabulary, without: surplus, path: path,
      template: read.hasTemplate ? template : nil, isSentencePiece: false)
    read.addRolesAroundText()
    read.spacePrefixSetting = settings.addsPrefixSpace
    if let name { read = try read.cutting(asIn: name) }
    return (read, surplus.notes + notes)
  }

  private func sentencePieces(
    _ vocabulary: Vocabulary, _ path: String, rows: Int
  ) throws(WeightmillError) -> (Vocabulary, notes: [String]) {
    var vocabulary = vocabulary
    let pieces = vocabulary.tokens
    var surplus = SurplusTokens(rows: rows)
    guard surplus.note(behind: vocabulary, path) else {
      throw SurplusTokens.tooMany(pieces.count, rows: rows, path)
    }
    vocabulary.cut(toRows: rows)
    vocabulary.pad(toRows: rows)
    let named = try addedTokens(path)
    for token in named where !surplus.note(token.text, id: token.id, location: token.location) {
      if let isSpecial = token.isSpecial {
        vocabulary.add(token.text, id: token.id, isSpecial: isSpecial)
      } else {
        vocabulary.add(token.text, id: token.id)
      }
    }
    for token in beside?.addedTokens ?? []
    where !surplus.note(token.content, id: token.id, location: beside?.location ?? path)
      && vocabulary.tokens[token.id].kind == .unused
    {
      vocabulary.add(token.content, id: token.id, isSpecial: token.isSpecial)
    }
    try surplus.check()
    let notes = try settings.apply(
      to: &vocabulary, without: surplus, path: path,
      template: beside?.special(of: vocabulary.special), isSentencePiece: true)
    if let adds = settings.addsPrefixSpace { vocabulary.special.addsSpacePrefix = adds }
    return (vocabulary, surplus.notes + replacedNotes(pieces, vocabulary, path) + notes)
  }

  /// A token that the files add to a SentencePiece model.
  private struct NamedToken {
    let text: String
    let id: Int
    /// `nil` where the file does not say.
    let isSpecial: Bool?
    let location: String
  }

  /// The tokens of `added_tokens.json` and then of `tokenizer_config.json`, whose entries come over
  /// the former.
  private func addedTokens(_ path: String) throws(WeightmillError) -> [NamedToken] {
    var tokens: [NamedToken] = []
    var ids: Set<Int> = []
    for member in added?.object.members ?? [] {
      guard let id = member.value.integer, id >= 0, ids.insert(id).inserted else {
        throw WeightmillError(
          .malformed, added?.path ?? "",
          "the id of token \(quoted(member.name)) is not a number, or another token's")
      }
      tokens.append(
        NamedToken(text: member.name, id: id, isSpecial: nil, location: added?.path ?? path))
    }
    for (id, object) in try settings.addedTokens() {
      tokens.append(
        NamedToken(
          text: object["content"]?.string ?? "", id: id,
          isSpecial: object["special"]?.bool ?? false, location: settings.file?.path ?? path))
    }
    return tokens
  }

  /// What the user should know of added tokens that took the place of pieces of text.
  private func replacedNotes(
    _ pieces: [Vocabulary.Token], _ vocabulary: Vocabulary, _ path: String
  ) -> [String] {
    let replaced = zip(pieces, vocabulary.tokens).enumerated().filter { _, pair in
      pair.0.isText && pair.1.text.withSpaces != pair.0.text.withSpaces
    }
    guard let (id, (piece, token)) = replaced.first else { return [] }
    return [
      "id \(id) is \(quoted(piece.text, limit: 40)) in \(path), but "
        + "\(quoted(token.text, limit: 40)) in the files beside it, which count"
        + (replaced.count > 1 ? "; so it is with \(replaced.count - 1) more" : "")
    ]
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
      let special = settings.specialTexts
      var ids = Set(tokens.map(\.id))
      for member in added?.object.members ?? [] {
        guard let id = member.value.integer else {
          throw WeightmillError(
            .malformed, added?.path ?? "", "the id of token \(quoted(member.name)) is not a number")
        }
        guard ids.insert(id).inserted else { continue }
        let isSpecial = special.contains(TensorName(member.name))
        tokens.append(
          VocabularyAndMerges.Added(id: id, text: member.name, isSpecial: isSpecial))
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
  fileprivate mutating func add(_ text: String, id: Int, isSpecial: Bool) {
    let isControl = isSpecial || AddedToken.looksSpecial(text)
    add(
      isControl ? text : text.withSpaces, id: id, kind: isControl ? .control : .userDefined)
  }
}

extension SurplusTokens {
  /// Notes a vocabulary's own tokens that have no row.
  ///
  /// - Returns: Whether all of them are marks; pieces of text cannot be left out.
  fileprivate mutating func note(behind vocabulary: Vocabulary, _ location: String) -> Bool {
    let behind = vocabulary.tokens.enumerated().dropFirst(rows).filter { $1.kind != .unused }
    guard !behind.contains(where: { $1.isText }) else { return false }
    for (id, token) in behind { note(token.text, id: id, location: location) }
    return true
  }
}
