package import WeightmillTensors

extension StoredTokenizer {
  /// The tokenizer in a form that llama.cpp loads.
  ///
  /// llama.cpp stops at two tokens of one text. An unused one gets a text of its own; others are an
  /// error. What it loads, but cannot make ids of all texts with, is a note.
  ///
  /// - Parameter location: The model, for messages.
  /// - Returns: The tokenizer.
  /// - Throws: `malformed` when two tokens that are used have the same text.
  package func loadable(_ location: String) throws(WeightmillError) -> StoredTokenizer {
    var tokens = vocabulary.tokens
    var renamed: [Int] = []
    var ids: [TensorName: Int] = [:]
    ids.reserveCapacity(tokens.count)
    // Unused ones come last: it is they that change.
    let order =
      tokens.indices.filter { tokens[$0].kind != .unused }
      + tokens.indices.filter { tokens[$0].kind == .unused }
    for id in order where !tokens[id].text.isEmpty {
      let text = tokens[id].text
      guard let other = ids.updateValue(id, forKey: TensorName(text)) else { continue }
      guard tokens[id].kind == .unused else {
        throw WeightmillError(
          .malformed, location,
          "has two tokens of the text \(quoted(text, limit: 40)), ids \(other) and \(id): llama.cpp "
            + "stops when it loads them",
          remedy: HelpTopic.brokenVocabulary.after("use the tokenizer that came with the model"))
      }
      ids[TensorName(text)] = other
      renamed.append(id)
    }
    for id in renamed {
      var text = "[UNUSED\(id)]"
      while ids[TensorName(text)] != nil { text = "[\(text)]" }
      ids[TensorName(text)] = id
      tokens[id] = Vocabulary.Token(text: text, score: tokens[id].score, kind: .unused)
    }
    var notes = notes + missingNotes(ids)
    if let first = renamed.first {
      notes.append(
        "\(renamed.count) unused tokens had the text of another one and got one of their own, the "
          + "first is \(first)")
    }
    return StoredTokenizer(
      self, Vocabulary(tokens: tokens, special: vocabulary.special), notes: notes)
  }

  private func missingNotes(_ ids: [TensorName: Int]) -> [String] {
    var notes: [String] = []
    let isByteLevel = model == ModelTokenizer.Kind.bytePairs.rawValue
    let (bytes, count) =
      isByteLevel
      ? (
        BPEVocabulary.textBytes.count { ids[TensorName($0)] != nil }, BPEVocabulary.textBytes.count
      )
      : (Set(vocabulary.tokens.compactMap(\.byte)).count, 256)
    if bytes < count {
      notes.append(
        "\(count - bytes) of \(count) bytes have no token: texts with characters that need them "
          + (isByteLevel ? "lose these" : "cannot be encoded, and llama.cpp stops at them"))
    }
    if special.eos == nil {
      notes.append(
        "no token is named that ends a text: llama.cpp takes token \(isByteLevel ? 11 : 2) for it; "
          + "name one in tokenizer_config.json, as eos_token")
    }
    for (name, id) in [("begins", special.bos), ("ends", special.eos)] {
      guard let id, vocabulary.tokens.indices.contains(id), vocabulary.tokens[id].isText else {
        continue
      }
      notes.append(
        "the token that \(name) a text is \(id), \(quoted(vocabulary.tokens[id].text, limit: 40)), a "
          + "piece of text: it can come of what users write")
    }
    return notes
  }
}
