import WeightmillStrictJSON
import WeightmillTensors

/// The added tokens of a `tokenizer.json`, and the whole list of tokens with them.
struct AddedTokenReader {
  let added: [AddedToken]
  /// All tokens by id.
  let tokens: [Vocabulary.Token]
  /// The ids that are not in the model's own list.
  let onlyAdded: Set<Int>

  /// The most added tokens accepted. Gemma 3 has 6,415.
  static let maximumCount = 1 << 17
  /// The longest accepted, in characters.
  static let maximumLength = 1024
  /// The most characters of all together.
  static let maximumTotal = 1 << 22

  init(
    _ value: JSONValue?, _ model: BPEModelReader, location: String
  ) throws(WeightmillError) {
    added = try Self.read(value, location: location)
    let (texts, onlyAdded) = try Self.merged(added, model, location: location)
    let byID = Dictionary(added.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    tokens = texts.enumerated().map { id, text in
      guard let text else { return Vocabulary.Token(text: "[PAD\(id)]", score: 0, kind: .unused) }
      return Vocabulary.Token(
        text: text, score: 0, kind: Self.kind(of: text, id: id, byID[id], model.rules))
    }
    self.onlyAdded = onlyAdded
  }

  private static func kind(
    of text: String, id: Int, _ added: AddedToken?, _ rules: BPEVocabulary.Rules
  ) -> Vocabulary.Kind {
    if id == rules.unknown { return .unknown }
    if let added {
      return added.isSpecial || AddedToken.looksSpecial(text) ? .control : .userDefined
    }
    guard rules.fallsBackToBytes else { return .normal }
    return Vocabulary.Token(text: text, score: 0, kind: .byte).byte == nil ? .normal : .byte
  }

  /// The added tokens alone.
  static func read(
    _ value: JSONValue?, location: String
  ) throws(WeightmillError) -> [AddedToken] {
    guard let value, value != .null else { return [] }
    guard let values = value.array else {
      throw WeightmillError(.malformed, location, "has \"added_tokens\" that are not an array")
    }
    var total = 0
    var tokens: [AddedToken] = []
    for (index, value) in values.enumerated() {
      let token = try token(JSONFields(value, location, "added token \(index)"))
      total += token.content.unicodeScalars.count
      tokens.append(token)
    }
    guard tokens.count <= maximumCount, total <= maximumTotal else {
      throw WeightmillError(
        .unsupported, location,
        "has more than \(maximumCount) added tokens, or more than \(maximumTotal) characters in them"
      )
    }
    return tokens
  }

  private static func token(_ fields: JSONFields) throws(WeightmillError) -> AddedToken {
    guard let id = fields["id"]?.integer.flatMap(Int32.init(exactly:)), id >= 0 else {
      throw fields.error(.malformed, "has an \"id\" that is no integer from 0 to 2147483647")
    }
    let isSpecial = try fields.flag("special", orElse: false)
    return AddedToken(
      id: Int(id),
      content: String(
        String.UnicodeScalarView(try fields.scalars("content", limit: maximumLength))),
      isSingleWord: try fields.flag("single_word", orElse: false),
      stripsLeft: try fields.flag("lstrip", orElse: false),
      stripsRight: try fields.flag("rstrip", orElse: false),
      isNormalized: try fields.flag("normalized", orElse: !isSpecial), isSpecial: isSpecial)
  }

  /// The model's texts with those of added tokens at their ids.
  private static func merged(
    _ added: [AddedToken], _ model: BPEModelReader, location: String
  ) throws(WeightmillError) -> ([String?], Set<Int>) {
    var texts = model.texts
    var onlyAdded: Set<Int> = []
    var contents: Set<TensorName> = []
    var ids: Set<Int> = []
    let last = max(texts.count - 1, added.map(\.id).max() ?? 0)
    try BPEModelReader.checkDensity(
      last: last, count: model.ids.count + added.count, location: location)
    texts += [String?](repeating: nil, count: last + 1 - texts.count)
    for token in added {
      let name = TensorName(token.content)
      guard contents.insert(name).inserted, ids.insert(token.id).inserted else {
        throw WeightmillError(
          .malformed, location, "has the added token \(quoted(token.content)) or its id twice",
          at: "id \(token.id)")
      }
      let isKnown = model.ids[name].map { Int($0) == token.id } ?? (texts[token.id] == nil)
      guard isKnown else {
        throw WeightmillError(
          .malformed, location,
          "gives the added token \(quoted(token.content)) the id "
            + "\(token.id), but its vocabulary says otherwise")
      }
      if texts[token.id] == nil { onlyAdded.insert(token.id) }
      texts[token.id] = token.content
    }
    return (texts, onlyAdded)
  }
}
