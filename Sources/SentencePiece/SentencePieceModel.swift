import SwiftProtobuf
package import WeightmillTensors
package import WeightmillTokenization

/// A SentencePiece `tokenizer.model` of the BPE kind, as LLaMA and Ziya use.
package struct SentencePieceModel: Sendable {
  /// The largest file accepted, in bytes; LLaMA's takes 0.5 MB, Ziya's 0.6.
  package static let maximumBytes = 16 << 20

  /// The vocabulary, without added tokens.
  package let vocabulary: Vocabulary
  /// What is done to a text before it is cut; `nil` in LLaMA's vocabularies.
  let normalizer: SentencePieceNormalizer?

  /// A tokenizer with this vocabulary.
  package var tokenizer: Tokenizer { tokenizer(with: vocabulary) }

  /// A tokenizer that does what the model says to a text before it is cut.
  ///
  /// - Parameter vocabulary: The vocabulary, with added tokens.
  /// - Returns: The tokenizer.
  package func tokenizer(with vocabulary: Vocabulary) -> Tokenizer {
    Tokenizer(vocabulary, normalizer: normalizer)
  }

  /// Reads a file.
  ///
  /// - Parameter path: The `tokenizer.model`.
  /// - Throws: `noInput`; `malformed` when it is no SentencePiece model or breaks its rules;
  ///   `unsupported` for kinds other than BPE.
  package init(path: String) throws(WeightmillError) {
    let file = try InputFile(path)
    guard file.byteCount <= Self.maximumBytes else {
      throw WeightmillError(.malformed, path, "is \(file.byteCount) bytes long, too much")
    }
    try self.init(try file.bytes(at: 0, count: file.byteCount), location: path)
  }

  /// Reads a serialized model.
  ///
  /// - Parameters:
  ///   - bytes: The serialized `ModelProto`.
  ///   - location: The file they come from, for messages.
  /// - Throws: As `init(path:)`.
  package init(_ bytes: [UInt8], location: String) throws(WeightmillError) {
    guard !TiktokenModel.isLikely(bytes) else {
      throw WeightmillError(
        .unsupported, location, "is a vocabulary of LLaMA 3's kind (tiktoken), not SentencePiece",
        remedy: "put it beside the model under the name tokenizer.model")
    }
    try WireCheck.check(bytes, location: location)
    let model: Weightmill_Sentencepiece_ModelProto
    do {
      model = try Weightmill_Sentencepiece_ModelProto(serializedBytes: bytes)
    } catch {
      throw WeightmillError(
        .malformed, location, "is not a SentencePiece model", remedy: "fetch the file again")
    }
    try Self.checkKind(model, location: location)
    normalizer = try Self.normalizer(model, location: location)
    vocabulary = Vocabulary(
      tokens: try Self.tokens(model, location: location),
      special: try Self.special(model, location: location))
  }

  private static func checkKind(
    _ model: Weightmill_Sentencepiece_ModelProto, location: String
  ) throws(WeightmillError) {
    let normalizer = model.normalizerSpec
    guard model.trainerSpec.modelType == .bpe else {
      throw WeightmillError(
        .unsupported, location, "is a SentencePiece model of a kind other than BPE")
    }
    guard normalizer.escapeWhitespaces, !model.trainerSpec.treatWhitespaceAsSuffix else {
      throw WeightmillError(
        .unsupported, location,
        "treats white space (\(quoted(normalizer.name))) as no vocabulary of LLaMA's family does")
    }
  }

  private static func normalizer(
    _ model: Weightmill_Sentencepiece_ModelProto, location: String
  ) throws(WeightmillError) -> SentencePieceNormalizer? {
    let normalizer = model.normalizerSpec
    let bytes = Array(normalizer.precompiledCharsmap)
    guard !bytes.isEmpty || normalizer.removeExtraWhitespaces else { return nil }
    return SentencePieceNormalizer(
      name: normalizer.name,
      map: bytes.isEmpty ? nil : try CharacterMap(bytes, location: location),
      dropsSpaces: normalizer.removeExtraWhitespaces)
  }

  private static func tokens(
    _ model: Weightmill_Sentencepiece_ModelProto, location: String
  ) throws(WeightmillError) -> [Vocabulary.Token] {
    var tokens: [Vocabulary.Token] = []
    var texts: Set<TensorName> = []
    for (id, piece) in model.pieces.enumerated() {
      let kind = Vocabulary.Kind(rawValue: Int32(piece.type.rawValue)) ?? .normal
      let token = Vocabulary.Token(text: piece.piece, score: piece.score, kind: kind)
      guard !piece.piece.isEmpty, piece.score.isFinite,
        texts.insert(TensorName(piece.piece)).inserted,
        kind != .byte || piece.piece == token.byte.map(Self.bytePiece)
      else {
        throw WeightmillError(
          .malformed, location, "piece \(quoted(piece.piece)) is empty, doubled or malformed",
          at: "piece \(id)")
      }
      tokens.append(token)
    }
    guard !tokens.isEmpty else {
      throw WeightmillError(
        .malformed, location, "holds no pieces", remedy: "fetch the file again")
    }
    guard tokens.count(where: { $0.kind == .unknown }) == 1 else {
      throw WeightmillError(.malformed, location, "has not exactly one unknown piece")
    }
    let bytes = Set(tokens.compactMap(\.byte))
    guard !model.trainerSpec.byteFallback || bytes.count == 256 else {
      throw WeightmillError(.malformed, location, "lacks some of the 256 byte pieces")
    }
    return tokens
  }

  /// `<0x0A>`: two digits, large letters.
  private static func bytePiece(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return "<0x\(byte < 16 ? "0" : "")\(digits)>"
  }

  private static func special(
    _ model: Weightmill_Sentencepiece_ModelProto, location: String
  ) throws(WeightmillError) -> Vocabulary.Special {
    func id(_ id: Int32) throws(WeightmillError) -> Int? {
      guard id >= 0 else { return nil }
      guard id < model.pieces.count else {
        throw WeightmillError(.malformed, location, "a special token's id \(id) is not in it")
      }
      return Int(id)
    }
    let trainer = model.trainerSpec
    var special = Vocabulary.Special(
      bos: try id(trainer.bosID), eos: try id(trainer.eosID), unknown: try id(trainer.unkID),
      padding: try id(trainer.padID))
    special.addsSpacePrefix = model.normalizerSpec.addDummyPrefix
    return special
  }
}
