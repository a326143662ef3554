import WeightmillStrictJSON
import WeightmillTensors

/// The `tokenizer.json` of a byte-level vocabulary of a GGUF file.
struct ByteLevelFile {
  let json: JSONValue

  /// Makes the file.
  ///
  /// Ids without a token are left out. Tokens that are looked for in a text have a list of their own; they
  /// are in the model's list, too, unless they follow it without a gap: readers count their ids anew.
  ///
  /// - Parameters:
  ///   - source: The vocabulary, of a GGUF file.
  ///   - location: The file, for messages.
  /// - Throws: `malformed` for two tokens of one text; `unsupported` for a way of cutting text that has
  ///   no name, or no expression.
  init(_ source: BPEVocabulary, location: String) throws(WeightmillError) {
    if let obstacle = source.encodingObstacle { throw obstacle }
    let tokens = source.vocabulary.tokens
    let added = tokens.enumerated().compactMap { id, token in
      [.control, .userDefined, .unknown].contains(token.kind) && !token.text.isEmpty
        ? AddedToken(token, at: id) : nil
    }
    let isAdded = Set(added.map(\.id))
    let texts = tokens.indices.filter { !isAdded.contains($0) && tokens[$0].kind != .unused }
    let end = (texts.last ?? -1) + 1
    let behind = added.filter { $0.id >= end }
    let inside = added.count - behind.count
    let merged = Set(source.merges.flatMap { [Int($0.left), Int($0.right), Int($0.result)] })
    let follows =
      texts.count + inside == end && (behind.last?.id ?? end - 1) == end - 1 + behind.count
      && !behind.contains { merged.contains($0.id) }
    let listed = (texts + added.map(\.id)).filter { $0 < end || !follows }.sorted()
    let vocabulary = listed.map { (text: tokens[$0].text, id: $0) }
    try TokenizerParts.check(vocabulary, added, location: location)
    let template = source.template
    json = TokenizerParts.file(
      added: added, normalizer: .null, preTokenizer: try Self.cuts(source, location: location),
      postProcessor: template.before.isEmpty && template.after.isEmpty
        ? Self.bytes(addsSpace: true, trims: false)
        : TokenizerParts.template(before: template.before, after: template.after, tokens),
      decoder: Self.bytes(addsSpace: true, trims: true),
      model: TokenizerParts.model(
        unknown: nil, fallsBackToBytes: false, takesWholeWords: source.rules.takesWholeWords,
        vocabulary: vocabulary,
        merges: source.merges.map { (tokens[Int($0.left)].text, tokens[Int($0.right)].text) }))
  }

  /// How text is cut, by the expressions of its name; then bytes become characters.
  private static func cuts(
    _ source: BPEVocabulary, location: String
  ) throws(WeightmillError) -> JSONValue {
    let name = source.preTokenizerName ?? "none"
    let split = NamedSplit.named(name)
    let expressions = split?.patterns.compactMap(\.regularExpression) ?? []
    guard let split, expressions.count == split.patterns.count else {
      throw WeightmillError(
        .unsupported, location,
        "cuts text in the way that is called \(quoted(name)), for which there is no expression")
    }
    let steps = expressions.map { expression in
      TokenizerParts.object([
        "type": .string("Split"),
        "pattern": TokenizerParts.object(["Regex": .string(expression)]),
        "behavior": .string("Isolated"), "invert": .bool(false),
      ])
    }
    return TokenizerParts.sequence(
      "pretokenizers", steps + [bytes(addsSpace: false, trims: true, cuts: false)])
  }

  private static func bytes(addsSpace: Bool, trims: Bool, cuts: Bool = true) -> JSONValue {
    TokenizerParts.object([
      "type": .string("ByteLevel"), "add_prefix_space": .bool(addsSpace),
      "trim_offsets": .bool(trims), "use_regex": .bool(cuts),
    ])
  }
}
