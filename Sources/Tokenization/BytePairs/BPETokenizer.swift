package import WeightmillTensors

/// Encodes text to token ids and back with a byte-pair vocabulary, as the `tokenizers` package does.
///
/// 1. Added tokens are found in the text; those that are marked so only after it is normalized.
/// 2. What is between them is normalized and cut into words.
/// 3. The characters of a word become tokens, and neighbours merge, the lowest rank first.
/// 4. The template puts tokens such as BOS around the ids.
public struct BPETokenizer: Sendable {
  /// The vocabulary.
  package let source: BPEVocabulary
  private let merger: BPEMerger
  /// The short way, where there is one.
  private let encoder: ByteLevelEncoder?
  private let rawTokens: AddedTokenFinder
  private let normalizedTokens: AddedTokenFinder
  private let special: Set<Int>
  /// The forms of added tokens that decoders undo: normalized, of those found in normalized text.
  private let normalizedTexts: [Int: [Unicode.Scalar]]

  /// The tokens by id.
  package var vocabulary: Vocabulary { source.vocabulary }

  /// Makes a tokenizer.
  ///
  /// - Parameter vocabulary: The vocabulary.
  package init(_ vocabulary: BPEVocabulary) {
    source = vocabulary
    let merges = MergeTable(vocabulary.merges)
    merger = BPEMerger(vocabulary, merges)
    encoder = ByteLevelEncoder(vocabulary, merges)
    special = Set(vocabulary.addedTokens.filter(\.isSpecial).map(\.id))
    var raw: [(text: [Unicode.Scalar], token: AddedToken)] = []
    var normalized = raw
    var texts: [Int: [Unicode.Scalar]] = [:]
    for token in vocabulary.addedTokens {
      let text = Array(token.content.unicodeScalars)
      if vocabulary.decodesAddedTextsAsTheyAre {
        texts[token.id] = ByteLevelAlphabet.encode(text)
      }
      if !token.isNormalized {
        raw.append((text, token))
      } else if let text = try? vocabulary.preparation.normalizers.applied(to: text, location: "") {
        normalized.append((text, token))
        texts[token.id] = text
      }
    }
    normalizedTexts = texts
    rawTokens = AddedTokenFinder(raw)
    normalizedTokens = AddedTokenFinder(normalized)
  }

  /// The ids of a text.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - parsesControl: Whether special tokens are found in the text.
  ///   - addsSpecial: Whether the template's tokens are added.
  /// - Returns: The ids.
  /// - Throws: `unsupported` when the vocabulary prepares text in a way that is not known;
  ///   `refused` when it makes the text longer without measure.
  package func encode(
    _ text: String, parsesControl: Bool = false, addsSpecial: Bool = true
  ) throws(WeightmillError) -> [Int] {
    if let obstacle = source.encodingObstacle { throw obstacle }
    var ids = addsSpecial ? source.template.before : []
    let scalars = Array(text.unicodeScalars)
    var state = ByteLevelEncoder.State()
    for fragment in rawTokens.fragments(of: scalars, findsSpecial: parsesControl) {
      switch fragment {
      case .token(let id): ids.append(id)
      case .text(let range):
        try append(
          Array(scalars[range]), isFirst: range.lowerBound == 0, parsesControl: parsesControl,
          &state, to: &ids)
      }
    }
    return addsSpecial ? ids + source.template.after : ids
  }

  private func append(
    _ text: [Unicode.Scalar], isFirst: Bool, parsesControl: Bool,
    _ state: inout ByteLevelEncoder.State, to ids: inout [Int]
  ) throws(WeightmillError) {
    let text = try source.preparation.normalizers.applied(
      to: text, location: source.location)
    for fragment in normalizedTokens.fragments(of: text, findsSpecial: parsesControl) {
      switch fragment {
      case .token(let id): ids.append(id)
      case .text(let range):
        if let encoder {
          encoder.append(Array(text[range]), &state, to: &ids)
          continue
        }
        let words = source.preparation.preTokenizers.words(
          of: Array(text[range]), isFirst: isFirst && range.lowerBound == 0)
        for word in words { ids += merger.ids(of: word) }
      }
    }
  }

  /// The text of ids.
  ///
  /// - Parameters:
  ///   - ids: Ids of the vocabulary; others have no text.
  ///   - skipsSpecial: Whether special tokens have no text.
  /// - Returns: The text; broken UTF-8 shows as U+FFFD.
  /// - Throws: `unsupported` when the vocabulary makes text of tokens in a way that is not known.
  package func decode(
    _ ids: [Int], skipsSpecial: Bool = true
  ) throws(WeightmillError) -> String {
    if let obstacle = source.decodingObstacle { throw obstacle }
    var texts = ids.compactMap { text(of: $0, skipsSpecial: skipsSpecial) }
    guard let decoder = source.decoder else {
      return texts.map { String(String.UnicodeScalarView($0)) }.joined(separator: " ")
    }
    for step in decoder { texts = step.applied(to: texts) }
    return String(String.UnicodeScalarView(texts.joined()))
  }

  /// The bytes that a token adds to a text that goes on; none for special tokens and for ids that
  /// the vocabulary does not have.
  func bytes(of id: Int) -> [UInt8] {
    guard let text = text(of: id, skipsSpecial: true) else { return [] }
    return TextDecoder.bytes(of: text, source.decoder)
  }

  /// A token's text before decoders see it; `nil` for those that are not shown.
  private func text(of id: Int, skipsSpecial: Bool) -> [Unicode.Scalar]? {
    guard vocabulary.tokens.indices.contains(id), vocabulary.tokens[id].kind != .unused,
      !(skipsSpecial && special.contains(id))
    else { return nil }
    return normalizedTexts[id] ?? Array(vocabulary.tokens[id].text.unicodeScalars)
  }
}
