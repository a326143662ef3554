package import WeightmillStrictJSON
package import WeightmillTensors

/// The tokenizer of a GGUF file as files of a Hugging Face folder.
///
/// `formats/hugging-face-folder.md` section 7.3 says what is in them.
package struct WrittenTokenizer: Sendable {
  /// The content of `tokenizer.json`.
  package let json: JSONValue
  /// What `tokenizer.model` holds; `nil` for byte-level vocabularies.
  package private(set) var model: ModelPieces?
  /// The added tokens that `tokenizer_config.json` must list.
  package private(set) var listed: [AddedToken] = []

  /// Makes the files.
  ///
  /// - Parameters:
  ///   - tokenizer: The tokenizer, of a GGUF file.
  ///   - location: The file, for messages.
  /// - Throws: `malformed` for vocabularies with two tokens of one text, `unsupported` for those that a
  ///   `tokenizer.json` cannot hold.
  package init(_ tokenizer: ModelTokenizer, location: String) throws(WeightmillError) {
    switch tokenizer {
    case .bytePairs(let tokenizer):
      json = try ByteLevelFile(tokenizer.source, location: location).json
    case .sentencePiece(let tokenizer):
      let file = try SentencePieceFiles(tokenizer.vocabulary, location: location)
      json = file.json
      listed = file.listed
      model = file.model
    }
  }
}

/// The parts of a `tokenizer.json` that vocabularies of all kinds have.
enum TokenizerParts {
  /// An object with these members.
  static func object(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
    .object(JSONObject(members: members.map { .init(name: $0.key, value: $0.value) }))
  }

  static func number(_ value: Int) -> JSONValue { .number("\(value)") }

  /// The whole file.
  static func file(
    added: [AddedToken], normalizer: JSONValue, preTokenizer: JSONValue, postProcessor: JSONValue,
    decoder: JSONValue, model: JSONValue
  ) -> JSONValue {
    object([
      "version": .string("1.0"), "truncation": .null, "padding": .null,
      "added_tokens": .array(added.map(\.json)), "normalizer": normalizer,
      "pre_tokenizer": preTokenizer, "post_processor": postProcessor, "decoder": decoder,
      "model": model,
    ])
  }

  /// The model.
  static func model(
    unknown: String?, fallsBackToBytes: Bool, takesWholeWords: Bool,
    vocabulary: [(text: String, id: Int)], merges: [(left: String, right: String)]
  ) -> JSONValue {
    // Older readers know texts only, which cannot hold tokens with spaces.
    let hasSpaces = merges.contains { ($0.left + $0.right).utf8.contains(0x20) }
    return object([
      "type": .string("BPE"), "dropout": .null, "unk_token": unknown.map { .string($0) } ?? .null,
      "continuing_subword_prefix": .null, "end_of_word_suffix": .null,
      "fuse_unk": .bool(unknown != nil), "byte_fallback": .bool(fallsBackToBytes),
      "ignore_merges": .bool(takesWholeWords),
      "vocab": .object(
        JSONObject(members: vocabulary.map { .init(name: $0.text, value: number($0.id)) })),
      "merges": .array(
        merges.map {
          hasSpaces
            ? .array([.string($0.left), .string($0.right)]) : .string("\($0.left) \($0.right)")
        }),
    ])
  }

  /// What puts tokens around a text.
  static func template(
    before: [Int], after: [Int], _ tokens: [Vocabulary.Token]
  ) -> JSONValue {
    func mark(_ id: Int, _ type: Int) -> JSONValue {
      object([
        "SpecialToken": object(["id": .string(tokens[id].text), "type_id": number(type)])
      ])
    }
    func text(_ name: String, _ type: Int) -> JSONValue {
      object(["Sequence": object(["id": .string(name), "type_id": number(type)])])
    }
    func part(_ name: String, _ type: Int) -> [JSONValue] {
      before.map { mark($0, type) } + [text(name, type)] + after.map { mark($0, type) }
    }
    var special = JSONObject(members: [])
    for id in before + after {
      let text = JSONValue.string(tokens[id].text)
      special[tokens[id].text] = object([
        "id": text, "ids": .array([number(id)]), "tokens": .array([text]),
      ])
    }
    return object([
      "type": .string("TemplateProcessing"), "single": .array(part("A", 0)),
      "pair": .array(part("A", 0) + part("B", 1)), "special_tokens": .object(special),
    ])
  }

  /// Steps one after the other; one alone is itself.
  static func sequence(_ name: String, _ steps: [JSONValue]) -> JSONValue {
    steps.count == 1
      ? steps[0] : object(["type": .string("Sequence"), name: .array(steps)])
  }

  /// Refuses two entries of one text, and a text that is too long to be looked for.
  static func check(
    _ vocabulary: [(text: String, id: Int)], _ added: [AddedToken], location: String
  ) throws(WeightmillError) {
    var ids: [TensorName: Int] = [:]
    ids.reserveCapacity(vocabulary.count + added.count)
    for (text, id) in vocabulary + added.map({ ($0.content, $0.id) }) {
      guard let other = ids.updateValue(id, forKey: TensorName(text)), other != id else { continue }
      throw WeightmillError(
        .malformed, location,
        "has two tokens of the text \(quoted(text, limit: 40)), ids \(min(id, other)) and "
          + "\(max(id, other)), which no tokenizer.json can hold")
    }
    guard
      added.allSatisfy({ $0.content.unicodeScalars.count <= AddedTokenReader.maximumLength }),
      ids.count <= TokenizerJSON.maximumTokens
    else {
      throw WeightmillError(
        .unsupported, location,
        "has more than \(TokenizerJSON.maximumTokens) tokens, or a special one of more than "
          + "\(AddedTokenReader.maximumLength) characters")
    }
  }
}

extension AddedToken {
  /// A token of a GGUF file, whose text is looked for as it is.
  init(_ token: Vocabulary.Token, at id: Int) {
    self.init(
      id: id, content: token.text, isSingleWord: false, stripsLeft: false, stripsRight: false,
      isNormalized: false, isSpecial: token.kind != .userDefined)
  }

  /// The token in the list of a `tokenizer.json`.
  fileprivate var json: JSONValue {
    let id = JSONObject.Member(name: "id", value: TokenizerParts.number(id))
    return .object(JSONObject(members: [id] + members))
  }

  /// What files say of the token besides its id.
  package var members: [JSONObject.Member] {
    [
      .init(name: "content", value: .string(content)),
      .init(name: "single_word", value: .bool(isSingleWord)),
      .init(name: "lstrip", value: .bool(stripsLeft)),
      .init(name: "rstrip", value: .bool(stripsRight)),
      .init(name: "normalized", value: .bool(isNormalized)),
      .init(name: "special", value: .bool(isSpecial)),
    ]
  }
}
