import WeightmillTensors

/// A byte-pair vocabulary that falls back to bytes, in the form of a SentencePiece vocabulary: what
/// a `tokenizer.json` of LLaMA's or Llama 2's was made from.
///
/// SentencePiece merges neighbours by the score of what they become, and has no list of pairs. The
/// score of a token is minus the rank of the first pair that gives it, by order, so that both merge
/// alike if the list holds all pairs of tokens that form a token, those of one token together.
struct SentencePieceForm {
  let vocabulary: Vocabulary
  /// Which texts are cut otherwise.
  let notes: [String]

  /// - Throws: `unsupported` when text is changed before it is cut in a way that SentencePiece
  ///   vocabularies in GGUF files cannot.
  init(_ source: BPEVocabulary) throws(WeightmillError) {
    if let obstacle = source.encodingObstacle { throw obstacle }
    let way = try Self.spaces(source)
    var special = source.vocabulary.special
    special.addsSpacePrefix = source.spacePrefixSetting ?? way.addsPrefix
    vocabulary = Vocabulary(tokens: Self.tokens(source), special: special)
    notes = way.notes + Self.mergeNotes(source)
  }

  private static let mark: Unicode.Scalar = "\u{2581}"

  /// What is done to spaces.
  private static func spaces(
    _ source: BPEVocabulary
  ) throws(WeightmillError) -> (addsPrefix: Bool, notes: [String]) {
    var normalizers = source.preparation.normalizers
    var addsPrefix = false
    if normalizers.first == .prepend([mark]) {
      addsPrefix = true
      normalizers.removeFirst()
    }
    let replaces = normalizers.first == .replace([" "], with: [mark])
    if replaces { normalizers.removeFirst() }
    var steps = source.preparation.preTokenizers
    // There are no spaces left to cut at.
    if replaces, case .split(.literal([" "]), _, _)? = steps.first { steps.removeFirst() }
    var (splits, isKnown) = (false, replaces)
    if !replaces, !addsPrefix, case .metaspace(mark, let prepends, let cuts)? = steps.first {
      (addsPrefix, splits, isKnown) = (prepends != .never, cuts, true)
      steps.removeFirst()
    }
    guard isKnown, normalizers.isEmpty, steps.isEmpty else {
      throw WeightmillError(
        .unsupported, source.location,
        "prepares text in a way that no SentencePiece vocabulary in a GGUF file can say",
        at: "normalizer, pre_tokenizer", remedy: "use the model's tokenizer.model, if it has one")
    }
    let inner = source.vocabulary.tokens.count { token in
      let scalars = token.text.unicodeScalars
      return token.kind == .normal && scalars.dropFirst().contains(mark)
        && !scalars.allSatisfy { $0 == mark }
    }
    guard splits, inner > 0 else { return (addsPrefix, []) }
    return (
      addsPrefix,
      [
        "the tokenizer cuts text before each space; llama.cpp does not, and \(inner) tokens "
          + "reach over one"
      ]
    )
  }

  private static func tokens(_ source: BPEVocabulary) -> [Vocabulary.Token] {
    let count = source.vocabulary.tokens.count
    var order = [Int?](repeating: nil, count: count)
    var next = 0
    for merge in source.merges where order[Int(merge.result)] == nil {
      order[Int(merge.result)] = next
      next += 1
    }
    return source.vocabulary.tokens.enumerated().map { id, token in
      switch token.kind {
      case .normal:
        let place = order[id] ?? next
        if order[id] == nil { next += 1 }
        return Vocabulary.Token(text: token.text, score: Float(-place), kind: .normal)
      case .userDefined:
        return Vocabulary.Token(text: token.text.withSpaces, score: -1000, kind: .userDefined)
      case .unused: return Vocabulary.Token(text: token.text, score: -10000, kind: .unused)
      // Files that name no unknown token have it nevertheless.
      case .control where source.rules.unknown == nil && token.text == "<unk>":
        return Vocabulary.Token(text: token.text, score: 0, kind: .unknown)
      case .unknown, .control, .byte: return token
      }
    }
  }

  /// Whether merges by rank and merges by score could give different tokens.
  private static func mergeNotes(_ source: BPEVocabulary) -> [String] {
    var ids: [ArraySlice<UInt8>: Int32] = [:]
    for (id, token) in source.vocabulary.tokens.enumerated() where token.kind == .normal {
      ids[Array(token.text.utf8)[...]] = Int32(id)
    }
    var pairs: [Int32: Int] = [:]
    var (last, finished, isScattered): (Int32, Set<Int32>, Bool) = (-1, [], false)
    for merge in source.merges {
      pairs[merge.result, default: 0] += 1
      if merge.result == last { continue }
      if !finished.insert(merge.result).inserted { isScattered = true }
      last = merge.result
    }
    let missing = ids.count { bytes, id in
      let cuts = bytes.indices.dropFirst().filter { bytes[$0] & 0xC0 != 0x80 }
      let possible = cuts.count { ids[bytes[..<$0]] != nil && ids[bytes[$0...]] != nil }
      return possible > pairs[id] ?? 0
    }
    guard isScattered || missing > 0 else { return [] }
    return [
      "the tokenizer merges by a list of pairs, llama.cpp by scores of tokens: \(missing) tokens "
        + "have pairs that are not in the list, so that some texts may be cut otherwise"
    ]
  }
}
