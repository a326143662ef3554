import WeightmillStrictJSON
import WeightmillTensors

/// A SentencePiece vocabulary of a GGUF file as `tokenizer.json` and `tokenizer.model`.
///
/// A GGUF file's list is that of the model with added tokens over and behind its pieces, which have the
/// score -1000, and unused tokens up to the rows of the embedding. These are left out again; added
/// tokens are listed apart.
struct SentencePieceFiles {
  let json: JSONValue
  /// The added tokens that a model does not hold, or holds with another score.
  let listed: [AddedToken]
  /// What `tokenizer.model` holds.
  let model: ModelPieces

  /// Makes `tokenizer.json`.
  ///
  /// - Parameters:
  ///   - vocabulary: The vocabulary.
  ///   - location: The file, for messages.
  /// - Throws: `malformed` for two tokens of one text; the errors of `ScoredMerges`.
  init(_ vocabulary: Vocabulary, location: String) throws(WeightmillError) {
    let tokens = vocabulary.tokens
    let last = tokens.indices.last { !tokens[$0].isAdded && !tokens[$0].isPadding(at: $0) }
    let pieces = Array(tokens[..<((last ?? -1) + 1)])
    let unknowns = pieces.indices.filter { pieces[$0].kind == .unknown }
    // Files that list `<unk>` among the added tokens make a control token of it.
    let named = vocabulary.special.unknown.flatMap { id in
      unknowns.isEmpty && pieces.indices.contains(id) && !pieces[id].isText ? id : nil
    }
    let unknown = unknowns.count == 1 ? unknowns[0] : named
    model = ModelPieces(
      tokens: pieces.map { piece in
        Vocabulary.Token(
          text: piece.text, score: piece.isAdded ? 0 : piece.score, kind: piece.kind)
      }, unknown: unknown, special: vocabulary.special)
    listed = tokens.enumerated().compactMap { id, token in
      token.isAdded ? AddedToken(token, at: id) : nil
    }
    json = try Self.json(vocabulary, pieces: pieces.count, unknown: unknown, location: location)
  }

  private static func json(
    _ vocabulary: Vocabulary, pieces count: Int, unknown: Int?, location: String
  ) throws(WeightmillError) -> JSONValue {
    let (tokens, special) = (vocabulary.tokens, vocabulary.special)
    let added = tokens.enumerated().compactMap { id, token in
      [.control, .userDefined, .unknown].contains(token.kind) && !token.text.isEmpty
        ? AddedToken(token, at: id) : nil
    }
    let behind = added.filter { $0.id >= count }
    let follows = (behind.last?.id ?? count - 1) == count - 1 + behind.count
    let entries = (0..<count) + (follows ? [] : behind.map(\.id))
    let listed = entries.map { (text: tokens[$0].text, id: $0) }
    try TokenizerParts.check(listed, added, location: location)
    let merges = try ScoredMerges(Array(tokens[..<count]), location: location).merges
    let bos = special.addsBOS ? special.bos.map { [$0] } ?? [] : []
    let eos = special.addsEOS ? special.eos.map { [$0] } ?? [] : []
    let (space, mark) = (JSONValue.string(" "), JSONValue.string("\u{2581}"))
    func replace(_ old: JSONValue, _ new: JSONValue) -> JSONValue {
      TokenizerParts.object([
        "type": .string("Replace"), "pattern": TokenizerParts.object(["String": old]),
        "content": new,
      ])
    }
    func plain(_ type: String) -> JSONValue { TokenizerParts.object(["type": .string(type)]) }
    let prepend = TokenizerParts.object(["type": .string("Prepend"), "prepend": mark])
    let strip = TokenizerParts.object([
      "type": .string("Strip"), "content": space, "start": .number("1"), "stop": .number("0"),
    ])
    let prefixes = special.addsSpacePrefix
    return TokenizerParts.file(
      added: added,
      normalizer: TokenizerParts.sequence(
        "normalizers", (prefixes ? [prepend] : []) + [replace(space, mark)]),
      preTokenizer: .null,
      postProcessor: TokenizerParts.template(before: bos, after: eos, tokens),
      decoder: TokenizerParts.sequence(
        "decoders",
        [replace(mark, space), plain("ByteFallback"), plain("Fuse")] + (prefixes ? [strip] : [])),
      model: TokenizerParts.model(
        unknown: unknown.map { tokens[$0].text },
        fallsBackToBytes: Set(tokens[..<count].compactMap(\.byte)).count == 256,
        takesWholeWords: false, vocabulary: listed,
        merges: merges.map { (tokens[$0.left].text, tokens[$0.right].text) }))
  }
}

/// The pieces of a SentencePiece model, as its file has them.
package struct ModelPieces: Sendable {
  /// The pieces, without added tokens behind them.
  package let tokens: [Vocabulary.Token]
  /// The id of the one for what is not known; `nil` where there is not exactly one.
  package let unknown: Int?
  /// The roles of tokens.
  package let special: Vocabulary.Special
}

extension Vocabulary.Token {
  /// Whether a model's files list the token beside its pieces, by llama.cpp's converter.
  fileprivate var isAdded: Bool { (kind == .control || kind == .userDefined) && score == -1000 }

  /// Whether it only stands for a row of the embedding.
  fileprivate func isPadding(at id: Int) -> Bool {
    kind == .unused && text.utf8.elementsEqual("[PAD\(id)]".utf8)
  }
}
