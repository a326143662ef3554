import WeightmillStrictJSON
package import WeightmillTensors

/// Mistral's `tekken.json`: a list of tokens by rank, their bytes in base64, and the expression that
/// cuts text. Special tokens have the first ids, whether the file lists them or not.
///
/// Source of the format: mistral-common, `tokens/tokenizers/tekken.py`.
package struct TekkenModel: Sendable {
  /// The vocabulary, with special tokens.
  package let vocabulary: BPEVocabulary

  /// The longest token accepted, in bytes.
  static let maximumTokenLength = 1024
  /// The longest expression accepted, in characters.
  static let maximumPattern = 4096

  /// Reads a file.
  ///
  /// - Parameter path: The `tekken.json`.
  /// - Throws: `noInput`; `malformed` when it is not strict JSON or its parts contradict each other;
  ///   `unsupported` when it has more tokens than are read.
  package init(path: String) throws(WeightmillError) {
    try self.init(try TokenizerJSON.bytes(path: path), location: path)
  }

  /// Reads a file's text.
  ///
  /// - Parameters:
  ///   - bytes: The text, UTF-8.
  ///   - location: The file it comes from, for messages.
  /// - Throws: As `init(path:)`.
  package init(_ bytes: [UInt8], location: String) throws(WeightmillError) {
    let file = try TekkenFile(bytes, location: location)
    let tokens = try file.rankedTokens()
    let special = try file.specialTokens()
    let merges = try RankedTokens.merges(
      tokens, firstID: Int32(special.count), location: location)
    let added = special.enumerated().map { id, token in
      AddedToken(
        id: id, content: token.text, isSingleWord: false, stripsLeft: false, stripsRight: false,
        isNormalized: false, isSpecial: token.isControl)
    }
    func id(_ text: String) -> Int? { added.first { $0.content == text }?.id }
    var roles = Vocabulary.Special(
      bos: id("<s>"), eos: id("</s>"), unknown: id("<unk>"), padding: id("<pad>"))
    roles.addsSpacePrefix = false
    roles.addsBOS = roles.bos != nil
    var rules = BPEVocabulary.Rules()
    rules.takesWholeWords = true
    let pattern = SplitPattern(regularExpression: file.pattern)
    vocabulary = BPEVocabulary(
      vocabulary: Vocabulary(
        tokens: special.map {
          .init(text: $0.text, score: 0, kind: $0.isControl ? .control : .userDefined)
        } + tokens.map { .init(text: ByteLevelAlphabet.text(of: $0), score: 0, kind: .normal) },
        special: roles),
      merges: merges, addedTokens: added, rules: rules, modelObstacle: nil,
      preparationObstacle: pattern == nil ? file.unknownPattern : nil, decodingObstacle: nil,
      location: location,
      preparation: TextPreparation(
        preTokenizers: (pattern.map { [.split($0, .isolated, isInverted: false)] } ?? [])
          + [.byteLevel(addsSpace: false, splits: false)]),
      template: TextTemplate(before: roles.addedBOS.map { [$0] } ?? []), decoder: [.byteLevel],
      onlyAdded: Set(added.map(\.id)))
  }
}

/// The parts of a `tekken.json` as they stand in the file.
private struct TekkenFile {
  let location: String
  private(set) var pattern = ""
  /// How many tokens the model has in all, and how many of them are special.
  private var count = 0
  private var specialCount = 0
  private var tokens: [(rank: Int, bytes: [UInt8])] = []
  /// Special tokens that are listed, by id; `nil` in files that list none.
  private var listed: [Int: SpecialToken]?

  struct SpecialToken {
    let text: String
    let isControl: Bool
  }

  /// What the first special tokens are called in files that do not list them.
  private static let defaultTexts = [
    "<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]",
    "[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]",
    "[TOOL_CONTENT]",
  ]

  init(_ bytes: [UInt8], location: String) throws(WeightmillError) {
    self.location = location
    var stream = JSONStream(bytes, file: location)
    guard stream.kind == .object || stream.kind == nil else {
      throw WeightmillError(.malformed, location, "is not a JSON object")
    }
    var hasVocabulary = false
    try stream.object { (name, stream) throws(WeightmillError) in
      switch (name, stream.kind) {
      case ("vocab", .array?):
        hasVocabulary = true
        try readVocabulary(&stream)
      case ("config", _):
        let value = try stream.value(limit: 1000)
        try readConfiguration(try JSONFields(value, location, "config"))
      case ("special_tokens", .array?):
        let values = try stream.value(limit: TokenizerSections.maximumValues).array
        try readSpecial(values ?? [])
      default: _ = try stream.value(limit: TokenizerSections.maximumValues)
      }
    }
    try stream.end()
    guard hasVocabulary, count > 0 else {
      throw WeightmillError(
        .malformed, location, "holds no vocabulary: it has no \"vocab\" or no \"config\"",
        remedy: "give a tekken.json as Mistral publishes it")
    }
  }

  private mutating func readConfiguration(_ fields: JSONFields) throws(WeightmillError) {
    pattern = String(
      String.UnicodeScalarView(
        try fields.scalars("pattern", limit: TekkenModel.maximumPattern)))
    count = try fields.count("default_vocab_size", orElse: 0)
    specialCount = try fields.count("default_num_special_tokens", orElse: 0)
    guard count > specialCount, count <= TokenizerJSON.maximumTokens else {
      throw fields.error(
        .malformed,
        "has \(count) tokens, \(specialCount) of them special; at most "
          + "\(TokenizerJSON.maximumTokens) are expected, and not all special")
    }
  }

  private mutating func readVocabulary(_ stream: inout JSONStream) throws(WeightmillError) {
    try stream.array { (stream) throws(WeightmillError) in
      let position = "vocab \(tokens.count)"
      let object = try stream.value(limit: 64).object
      guard let rank = object?["rank"]?.integer, let text = object?["token_bytes"]?.string,
        let bytes = Base64.decode(Array(text.utf8)), !bytes.isEmpty,
        bytes.count <= TekkenModel.maximumTokenLength
      else {
        throw WeightmillError(
          .malformed, location, "has a token without a rank or without bytes in base64",
          at: position)
      }
      tokens.append((rank, bytes))
      guard tokens.count <= TokenizerJSON.maximumTokens else {
        throw WeightmillError(
          .unsupported, location, "has more than \(TokenizerJSON.maximumTokens) tokens")
      }
    }
  }

  private mutating func readSpecial(_ values: [JSONValue]) throws(WeightmillError) {
    var special: [Int: SpecialToken] = [:]
    for (index, value) in values.enumerated() {
      let fields = try JSONFields(value, location, "special token \(index)")
      let text = String(
        String.UnicodeScalarView(
          try fields.scalars("token_str", limit: AddedTokenReader.maximumLength)))
      let id = try fields.count("rank", orElse: specialCount)
      guard fields.has("rank"), !text.isEmpty, special[id] == nil else {
        throw fields.error(.malformed, "has no rank or no text, or the rank of another one")
      }
      special[id] = SpecialToken(
        text: text, isControl: try fields.flag("is_control", orElse: true))
    }
    listed = special
  }

  /// The special tokens by id, those without a name too.
  func specialTokens() throws(WeightmillError) -> [SpecialToken] {
    if let listed, let last = listed.keys.max(), last >= specialCount {
      throw WeightmillError(
        .malformed, location, "lists a special token \(last), but has \(specialCount) of them")
    }
    var seen: Set<TensorName> = []
    var special: [SpecialToken] = []
    for id in 0..<specialCount {
      let name =
        listed == nil && Self.defaultTexts.indices.contains(id) ? Self.defaultTexts[id] : nil
      let token =
        listed?[id] ?? SpecialToken(text: name ?? "<SPECIAL_\(id)>", isControl: true)
      guard seen.insert(TensorName(token.text)).inserted else {
        throw WeightmillError(
          .malformed, location, "has the special token \(quoted(token.text)) twice",
          at: "special token \(id)")
      }
      special.append(token)
    }
    return special
  }

  /// The tokens in order of rank; those for which the model has no id are left out.
  func rankedTokens() throws(WeightmillError) -> [[UInt8]] {
    let wanted = count - specialCount
    guard tokens.count >= wanted else {
      throw WeightmillError(
        .malformed, location, "has \(tokens.count) tokens, but needs \(wanted)")
    }
    var result = [[UInt8]](repeating: [], count: wanted)
    var seen: Set<[UInt8]> = []
    for (index, token) in tokens.enumerated() where token.rank < wanted {
      guard token.rank >= 0, result[token.rank].isEmpty, seen.insert(token.bytes).inserted else {
        throw WeightmillError(
          .malformed, location, "has a token or the rank \(token.rank) twice",
          at: "vocab \(index)")
      }
      result[token.rank] = token.bytes
    }
    guard !result.contains([]) else {
      throw WeightmillError(.malformed, location, "does not have all ranks below \(wanted)")
    }
    guard (UInt8.min...UInt8.max).allSatisfy({ seen.contains([$0]) }) else {
      throw WeightmillError(
        .malformed, location, "lacks some of the 256 bytes", remedy: "fetch the file again")
    }
    return result
  }

  /// The error for text that is to be cut.
  var unknownPattern: WeightmillError {
    WeightmillError(
      .unsupported, location,
      "cuts text with a regular expression that Weightmill does not know: \(quoted(pattern))",
      at: "config")
  }
}
