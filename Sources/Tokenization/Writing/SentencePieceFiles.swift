import SwiftProtobuf
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
  private let pieces: [Vocabulary.Token]
  private let special: Vocabulary.Special
  private let unknown: Int?
  private let location: String

  /// Makes `tokenizer.json`.
  ///
  /// - Parameters:
  ///   - vocabulary: The vocabulary.
  ///   - location: The file, for messages.
  /// - Throws: `malformed` for two tokens of one text; the errors of `ScoredMerges`.
  init(_ vocabulary: Vocabulary, location: String) throws(WeightmillError) {
    let tokens = vocabulary.tokens
    self.location = location
    special = vocabulary.special
    let last = tokens.indices.last { !tokens[$0].isAdded && !tokens[$0].isPadding(at: $0) }
    let pieces = Array(tokens[..<((last ?? -1) + 1)])
    let unknowns = pieces.indices.filter { pieces[$0].kind == .unknown }
    // Files that list `<unk>` among the added tokens make a control token of it.
    let named = vocabulary.special.unknown.flatMap { id in
      unknowns.isEmpty && pieces.indices.contains(id) && !pieces[id].isText ? id : nil
    }
    unknown = unknowns.count == 1 ? unknowns[0] : named
    self.pieces = pieces
    listed = tokens.enumerated().compactMap { id, token in
      token.isAdded ? AddedToken(id: id, token) : nil
    }
    json = try Self.json(vocabulary, pieces: pieces.count, unknown: unknown, location: location)
  }

  private static func json(
    _ vocabulary: Vocabulary, pieces count: Int, unknown: Int?, location: String
  ) throws(WeightmillError) -> JSONValue {
    let (tokens, special) = (vocabulary.tokens, vocabulary.special)
    let added = tokens.enumerated().compactMap { id, token in
      [.control, .userDefined, .unknown].contains(token.kind) && !token.text.isEmpty
        ? AddedToken(id: id, token) : nil
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

  /// Makes `tokenizer.model`.
  ///
  /// - Returns: The file's bytes.
  /// - Throws: `unsupported` for vocabularies that a SentencePiece model cannot hold.
  func model() throws(WeightmillError) -> [UInt8] {
    guard let unknown else {
      throw WeightmillError(.unsupported, location, "has not exactly one unknown token")
    }
    var model = Weightmill_Sentencepiece_ModelProto()
    for (id, token) in pieces.enumerated() {
      guard !token.text.isEmpty else {
        throw WeightmillError(.unsupported, location, "has tokens without a text (id \(id))")
      }
      var piece = Weightmill_Sentencepiece_ModelProto.Piece()
      piece.piece = token.text
      piece.score = token.isAdded ? 0 : token.score
      let kind = id == unknown ? Vocabulary.Kind.unknown : token.kind
      piece.type = .init(rawValue: Int(kind.rawValue)) ?? .normal
      model.pieces.append(piece)
    }
    func id(_ id: Int?) -> Int32 { id.flatMap { $0 < pieces.count ? Int32($0) : nil } ?? -1 }
    model.trainerSpec.modelType = .bpe
    model.trainerSpec.byteFallback = Set(pieces.compactMap(\.byte)).count == 256
    model.trainerSpec.unkID = Int32(unknown)
    model.trainerSpec.bosID = id(special.bos)
    model.trainerSpec.eosID = id(special.eos)
    model.trainerSpec.padID = id(special.padding)
    model.normalizerSpec.name = "identity"
    model.normalizerSpec.addDummyPrefix = special.addsSpacePrefix
    model.normalizerSpec.removeExtraWhitespaces = false
    model.normalizerSpec.escapeWhitespaces = true
    let bytes: [UInt8]
    do {
      bytes = try model.serializedBytes()
    } catch {
      throw WeightmillError(.unsupported, location, "cannot be serialized")
    }
    // What cannot be read again is not written.
    _ = try SentencePieceModel(bytes, location: location)
    return bytes
  }
}

extension Vocabulary.Token {
  /// Whether a model's files list the token beside its pieces, by llama.cpp's converter.
  fileprivate var isAdded: Bool { (kind == .control || kind == .userDefined) && score == -1000 }

  /// Whether it only stands for a row of the embedding.
  fileprivate func isPadding(at id: Int) -> Bool {
    kind == .unused && text.utf8.elementsEqual("[PAD\(id)]".utf8)
  }
}
