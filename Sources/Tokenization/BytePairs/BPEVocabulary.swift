package import WeightmillTensors

/// A byte-pair vocabulary with everything that is needed to encode and decode text: what a
/// `tokenizer.json` of the BPE kind holds, or LLaMA 3's `tokenizer.model`.
package struct BPEVocabulary: Equatable, Sendable {
  /// Two tokens that become one. The index in the list is the rank: the lower, the sooner.
  package struct Merge: Equatable, Sendable {
    /// The id of the token on the left.
    package let left: Int32
    /// The id of the token on the right.
    package let right: Int32
    /// The id of the token they become.
    package let result: Int32
  }

  /// The rules by which words become tokens.
  package struct Rules: Equatable, Sendable {
    /// The token for characters that are in no token; without one they are dropped.
    package var unknown: Int?
    /// Whether unknown characters in a row become one token.
    package var fusesUnknown = false
    /// Whether an unknown character becomes the tokens `<0xHH>` of its bytes.
    package var fallsBackToBytes = false
    /// Whether a word that is a token is that token, whatever the merges give.
    package var takesWholeWords = false
  }

  /// The tokens by id: byte-level texts are in GPT-2's alphabet, gaps are `[PADn]`, unused. Scores
  /// do not count. Roles: what the template puts before and after a text, or else what the model's
  /// settings name.
  package var vocabulary: Vocabulary
  /// The merges, the first rank first.
  package let merges: [Merge]
  /// The tokens that are looked for in a text.
  package private(set) var addedTokens: [AddedToken]
  /// The rules by which words become tokens.
  package let rules: Rules
  /// The reason why words cannot be encoded, or why it is not known what belongs around a text.
  let modelObstacle: WeightmillError?
  /// The reason why it is not known how text is cut into words.
  var preparationObstacle: WeightmillError?
  /// The reason why ids cannot be decoded, if there is one.
  package let decodingObstacle: WeightmillError?
  /// llama.cpp's name for the way text is cut into words, where a GGUF file or the user gives it.
  var givenPreTokenizer: String?
  /// What the model's settings say of a space before a text; GGUF files repeat it.
  package var spacePrefixSetting: Bool?

  /// The file it comes from, for messages.
  let location: String
  var preparation: TextPreparation
  var template: TextTemplate
  /// `nil`: tokens are joined with spaces.
  let decoder: [TextDecoder]?
  /// The ids of added tokens that no merge can give: they are not in the model's own list.
  private(set) var onlyAdded: Set<Int>
  /// Whether the file says what is put around a text; else the model's settings do.
  package var hasTemplate = true
  /// Whether texts of tokens that are looked for in a text are characters as they are, not of GPT-2's
  /// alphabet, when they are decoded: so it is in GGUF files.
  var decodesAddedTextsAsTheyAre = false

  /// The texts of the 256 bytes in GPT-2's alphabet.
  package static let byteTexts = ByteLevelAlphabet.scalars.map { String($0) }

  /// The texts of those bytes that UTF-8 has.
  package static let textBytes = (UInt8.min...UInt8.max).filter {
    ![0xC0, 0xC1].contains($0) && $0 < 0xF5
  }.map { String(ByteLevelAlphabet.scalars[Int($0)]) }

  /// Why text cannot be encoded with it, though the vocabulary is sound: it prepares text in a way
  /// that is not known here.
  package var encodingObstacle: WeightmillError? { modelObstacle ?? preparationObstacle }

  /// Whether tokens are bytes in GPT-2's alphabet.
  package var isByteLevel: Bool {
    if case .byteLevel? = preparation.preTokenizers.last { return true }
    return decoder?.contains(.byteLevel) ?? false
  }

  /// Puts around a text what the roles say, if the file itself does not say what.
  package mutating func addRolesAroundText() {
    guard !hasTemplate else { return }
    let special = vocabulary.special
    template = TextTemplate(
      before: special.addedBOS.map { [$0] } ?? [],
      after: special.addsEOS ? special.eos.map { [$0] } ?? [] : [])
  }

  /// Leaves out the tokens behind an embedding's last row.
  ///
  /// - Parameter rows: The number of rows.
  /// - Returns: Whether that was possible: nothing else needs one of them.
  package mutating func cut(toRows rows: Int) -> Bool {
    guard vocabulary.tokens.count > rows else { return true }
    let needed =
      template.before + template.after + [rules.unknown].compactMap(\.self)
      + merges.map { Int($0.result) }
    guard needed.allSatisfy({ $0 < rows }) else { return false }
    vocabulary.cut(toRows: rows)
    addedTokens.removeAll { $0.id >= rows }
    onlyAdded = onlyAdded.filter { $0 < rows }
    return true
  }

  /// Cuts text in a way that llama.cpp has a name for, whatever the file says.
  ///
  /// - Parameter name: The name, as `tokenizer.ggml.pre` has it.
  /// - Returns: The vocabulary that does so.
  /// - Throws: `unsupported` for names that are not known; `usage` when tokens are not bytes.
  package func cutting(asIn name: String) throws(WeightmillError) -> BPEVocabulary {
    guard isByteLevel else {
      throw WeightmillError(
        .usage, location, "is no vocabulary of bytes, for which --pre says how text is cut",
        remedy: "leave out --pre")
    }
    guard let split = NamedSplit.named(name) else {
      throw WeightmillError(
        .unsupported, location,
        "cuts text in the way that is called \(quoted(name)) (tokenizer.ggml.pre), which "
          + "Weightmill does not know",
        remedy: "if it is one of these, give --pre: "
          + NamedSplit.all.map(\.name).joined(separator: ", "))
    }
    var copy = self
    copy.preparation.preTokenizers = split.preTokenizers
    copy.preparationObstacle = nil
    copy.givenPreTokenizer = name
    return copy
  }
}
