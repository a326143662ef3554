import WeightmillTensors

/// What a GGUF file must hold of a tokenizer, each under `tokenizer.ggml.` and the name given here;
/// keys that are `nil` are left out.
package struct StoredTokenizer: Equatable, Sendable {
  /// `model`: the kind.
  package let model: String
  /// `pre`: llama.cpp's name for the way text is cut into words.
  package let pre: String
  /// The tokens by id: `tokens`, a text for each, `token_type`, and `scores` where there are any.
  package let vocabulary: Vocabulary
  /// Whether `scores` are of use.
  package let hasScores: Bool
  /// `merges`: the texts of two tokens with a space between them, the first rank first.
  package let merges: [String]?
  /// `add_space_prefix`: only where it is not what llama.cpp does with this kind, or where the
  /// model's settings say it.
  package let addsSpacePrefix: Bool?
  /// Which texts llama.cpp cuts otherwise, for people to read.
  package let notes: [String]

  /// `tokens`: a text for each id.
  package var tokens: [String] { vocabulary.tokens.map(\.text) }
  /// `scores`: one for each id.
  package var scores: [Float]? { hasScores ? vocabulary.tokens.map(\.score) : nil }
  /// `token_type`: one for each id.
  package var kinds: [Vocabulary.Kind] { vocabulary.tokens.map(\.kind) }
  /// `bos_token_id` and the like, and `add_bos_token` and `add_eos_token`.
  package var special: Vocabulary.Special { vocabulary.special }

  /// The same with other tokens and notes.
  init(_ other: StoredTokenizer, _ vocabulary: Vocabulary, notes: [String]) {
    model = other.model
    pre = other.pre
    self.vocabulary = vocabulary
    hasScores = other.hasScores
    merges = other.merges
    addsSpacePrefix = other.addsSpacePrefix
    self.notes = notes
  }

  /// A SentencePiece vocabulary.
  init(sentencePiece vocabulary: Vocabulary, notes: [String] = []) {
    model = ModelTokenizer.Kind.sentencePiece.rawValue
    pre = "default"
    self.vocabulary = vocabulary
    hasScores = true
    merges = nil
    addsSpacePrefix = vocabulary.special.addsSpacePrefix ? nil : false
    self.notes = notes
  }

  /// A byte-level vocabulary.
  fileprivate init(byteLevel source: BPEVocabulary, pre: String, notes: [String]) {
    model = ModelTokenizer.Kind.bytePairs.rawValue
    self.pre = pre
    var special = source.vocabulary.special
    // llama.cpp takes token 11 for what is not said, which GPT-2's `,` has for its place in Falcon.
    special.bos = special.bos ?? special.eos
    special.addsSpacePrefix = source.spacePrefixSetting ?? false
    vocabulary = Vocabulary(
      tokens: source.vocabulary.tokens.map { $0.stored(in: source) }, special: special)
    hasScores = false
    merges = source.mergeTexts
    addsSpacePrefix = source.spacePrefixSetting
    self.notes = notes
  }
}

extension ModelTokenizer {
  /// What a GGUF file must hold of it.
  ///
  /// - Throws: `unsupported` for byte pairs that llama.cpp has no form for, or no name for the way
  ///   in which text is cut into words.
  package var stored: StoredTokenizer {
    get throws(WeightmillError) {
      switch self {
      case .sentencePiece(let tokenizer):
        StoredTokenizer(
          sentencePiece: tokenizer.vocabulary, notes: tokenizer.normalizer?.storageNotes ?? [])
      case .bytePairs(let tokenizer): try tokenizer.source.stored
      }
    }
  }
}

extension BPEVocabulary {
  /// What a GGUF file must hold of it.
  fileprivate var stored: StoredTokenizer {
    get throws(WeightmillError) {
      guard !isByteLevel else {
        return StoredTokenizer(byteLevel: self, pre: try preTokenizer, notes: storageNotes)
      }
      guard rules.fallsBackToBytes else {
        throw WeightmillError(
          .unsupported, location,
          "is neither byte-level nor falls back to bytes: llama.cpp has no form for it")
      }
      let form = try SentencePieceForm(self)
      return StoredTokenizer(sentencePiece: form.vocabulary, notes: form.notes)
    }
  }

  /// llama.cpp's name for the way text is cut into words, `tokenizer.ggml.pre`: `llama-bpe`,
  /// `qwen2`, `gpt-2` …; `nil` when it has none for it.
  package var preTokenizerName: String? { try? preTokenizer }

  private var preTokenizer: String {
    get throws(WeightmillError) {
      if let givenPreTokenizer { return givenPreTokenizer }
      let remedy = HelpTopic.preTokenizer.after(
        "if you know the name that llama.cpp has for it, give --pre NAME")
      if let preparationObstacle {
        throw WeightmillError(
          .unsupported, location, preparationObstacle.problem, at: preparationObstacle.position,
          remedy: remedy)
      }
      switch preparation.naming(takesWholeWords: rules.takesWholeWords) {
      case .named(let split): return split.name
      case .notBytes:
        throw WeightmillError(
          .unsupported, location, "cuts text in a way that llama.cpp has no name for",
          at: "pre_tokenizer", remedy: remedy)
      case .unnamed(let nearest, let own, let other):
        throw WeightmillError(
          .unsupported, location,
          "cuts text in a way that llama.cpp has no name for: where this is the word "
            + "\(quoted(own, limit: 40)), the nearest, \(nearest.name), has "
            + quoted(other, limit: 40), at: "pre_tokenizer", remedy: remedy)
      }
    }
  }

  /// The merges as texts: two tokens with a space between them; a space in one is its character in
  /// GPT-2's alphabet, U+0120.
  var mergeTexts: [String] {
    func text(_ id: Int32) -> String {
      let text = vocabulary.tokens[Int(id)].text
      guard text.utf8.contains(0x20) else { return text }
      return String(
        String.UnicodeScalarView(text.unicodeScalars.map { $0 == " " ? "\u{120}" : $0 }))
    }
    return merges.map { "\(text($0.left)) \(text($0.right))" }
  }

  /// Which texts llama.cpp cuts otherwise.
  private var storageNotes: [String] {
    var notes: [String] = []
    if !preparation.normalizers.isEmpty {
      let names = preparation.normalizers.map(\.name).joined(separator: ", ")
      notes.append(
        "the tokenizer changes text before it is cut (\(names)), which no GGUF file can say: "
          + "llama.cpp takes texts as they are")
    }
    if case .byteLevel(addsSpace: true, _)? = preparation.preTokenizers.first {
      notes.append("the tokenizer puts a space before a text, which llama.cpp does not do")
    }
    let around = template.before.count + template.after.count
    let special = vocabulary.special
    let added = (special.addsBOS ? [special.bos] : []) + (special.addsEOS ? [special.eos] : [])
    if around > 0, template.before + template.after != added.compactMap(\.self) {
      notes.append(
        "the tokenizer puts \(around) tokens around a text; llama.cpp puts BOS or EOS there only")
    }
    let stripping = addedTokens.count { $0.stripsLeft || $0.stripsRight || $0.isSingleWord }
    if stripping > 0 {
      notes.append(
        "\(stripping) added tokens take white space beside them or count as whole words only, "
          + "which no GGUF file can say: llama.cpp finds their texts as they are")
    }
    return notes
  }
}

extension Vocabulary.Token {
  /// The token as a GGUF file has it: added ones that are not special have spaces where their texts
  /// have U+2581, and the unknown one is a control token if it is special.
  fileprivate func stored(in source: BPEVocabulary) -> Vocabulary.Token {
    switch kind {
    case .userDefined: Vocabulary.Token(text: text.withSpaces, score: 0, kind: kind)
    case .unknown:
      Vocabulary.Token(text: text, score: 0, kind: source.isSpecial(text) ? .control : .normal)
    default: self
    }
  }
}

extension BPEVocabulary {
  fileprivate func isSpecial(_ text: String) -> Bool {
    addedTokens.contains { $0.content.utf8.elementsEqual(text.utf8) }
  }
}

extension SentencePieceNormalizer {
  /// Which texts llama.cpp cuts otherwise.
  fileprivate var storageNotes: [String] {
    let characters =
      map == nil
      ? []
      : ["characters that \(quoted(name, limit: 40)) changes, such as wide letters and ligatures"]
    let spaces = dropsSpaces ? ["spaces at their ends or several in a row"] : []
    return [
      "the tokenizer changes text before it is cut, which llama.cpp does not: texts are cut otherwise "
        + "there that have " + (characters + spaces).joined(separator: ", or ")
    ]
  }
}

extension TextNormalizer {
  /// The name of the step in a `tokenizer.json`.
  var name: String {
    switch self {
    case .canonical(let composes): composes ? "NFC" : "NFD"
    case .lowercase: "Lowercase"
    case .prepend: "Prepend"
    case .replace: "Replace"
    }
  }
}
