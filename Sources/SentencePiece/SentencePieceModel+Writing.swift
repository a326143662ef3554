import SwiftProtobuf
package import WeightmillTensors
package import WeightmillTokenization

extension SentencePieceModel {
  /// The content of a `tokenizer.model`.
  ///
  /// - Parameters:
  ///   - pieces: What it is to hold.
  ///   - location: The file that they come from, for messages.
  /// - Returns: The file's bytes.
  /// - Throws: `unsupported` for pieces that a SentencePiece model cannot hold, and what reading such a model would
  ///   throw: what cannot be read again is not written.
  package static func serialized(
    _ pieces: ModelPieces, location: String
  ) throws(WeightmillError) -> [UInt8] {
    guard let unknown = pieces.unknown else {
      throw WeightmillError(.unsupported, location, "has not exactly one unknown token")
    }
    var model = Weightmill_Sentencepiece_ModelProto()
    for (id, token) in pieces.tokens.enumerated() {
      guard !token.text.isEmpty else {
        throw WeightmillError(.unsupported, location, "has tokens without a text (id \(id))")
      }
      var piece = Weightmill_Sentencepiece_ModelProto.Piece()
      piece.piece = token.text
      piece.score = token.score
      let kind = id == unknown ? Vocabulary.Kind.unknown : token.kind
      piece.type = .init(rawValue: Int(kind.rawValue)) ?? .normal
      model.pieces.append(piece)
    }
    let (special, count) = (pieces.special, pieces.tokens.count)
    func id(_ id: Int?) -> Int32 { id.flatMap { $0 < count ? Int32($0) : nil } ?? -1 }
    model.trainerSpec.modelType = .bpe
    model.trainerSpec.byteFallback = Set(pieces.tokens.compactMap(\.byte)).count == 256
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
    _ = try SentencePieceModel(bytes, location: location)
    return bytes
  }
}
