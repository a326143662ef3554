package import WeightmillTensors

extension BPEVocabulary {
  /// Makes the vocabulary that a GGUF file holds, as llama.cpp uses it: added tokens are found by
  /// their texts, and nothing is done to a text before it is cut.
  ///
  /// - Parameters:
  ///   - vocabulary: The tokens; texts are in GPT-2's alphabet, but for those of control tokens and
  ///     user-defined ones.
  ///   - merges: The texts of two tokens with a space between them, the first rank first.
  ///   - name: llama.cpp's name for the way text is cut into words.
  ///   - location: The file, for messages.
  /// - Throws: `malformed` when a merge is not of tokens, `unsupported` for names that are not known.
  package init(
    stored vocabulary: Vocabulary, merges: [String], cutAsIn name: String, location: String
  ) throws(WeightmillError) {
    let marks = vocabulary.marks
    let added = vocabulary.tokens.enumerated().compactMap { id, token in
      token.added(id: id, isMark: marks.contains(id))
    }
    // Words in GPT-2's alphabet are no texts of such tokens, unless a character is one.
    let onlyAdded = added.filter { $0.content.unicodeScalars.count > 1 }.map(\.id)
    var rules = Rules()
    rules.takesWholeWords = NamedSplit.named(name)?.takesWholeWords ?? false
    var read = BPEVocabulary(
      vocabulary: vocabulary,
      merges: try Self.merges(merges, vocabulary.tokens, location: location), addedTokens: added,
      rules: rules, modelObstacle: nil, decodingObstacle: nil, location: location,
      preparation: TextPreparation(), template: TextTemplate(), decoder: [.byteLevel],
      onlyAdded: Set(onlyAdded), hasTemplate: false, decodesAddedTextsAsTheyAre: true)
    read.addRolesAroundText()
    self = try read.cutting(asIn: name)
  }

  private static func merges(
    _ texts: [String], _ tokens: [Vocabulary.Token], location: String
  ) throws(WeightmillError) -> [Merge] {
    var ids: [ArraySlice<UInt8>: Int32] = [:]
    ids.reserveCapacity(tokens.count)
    for (id, token) in tokens.enumerated() where token.kind != .unused {
      let text = Array(token.text.utf8)[...]
      // Of equal texts the first counts.
      if ids[text] == nil { ids[text] = Int32(id) }
    }
    var merges: [Merge] = []
    merges.reserveCapacity(texts.count)
    var seen: Set<UInt64> = []
    seen.reserveCapacity(texts.count)
    for (index, text) in texts.enumerated() {
      let bytes = Array(text.utf8)
      guard let space = bytes.dropFirst().firstIndex(of: 0x20),
        let left = ids[bytes[..<space]], let right = ids[bytes[(space + 1)...]],
        let result = ids[(bytes[..<space] + bytes[(space + 1)...])[...]]
      else {
        throw WeightmillError(
          .malformed, location,
          "has a merge \(quoted(text, limit: 40)) that is not of two tokens that form a third",
          at: "merge \(index)")
      }
      // llama.cpp takes the first of those that are there twice.
      guard seen.insert(UInt64(UInt32(left)) << 32 | UInt64(UInt32(right))).inserted else {
        continue
      }
      merges.append(Merge(left: left, right: right, result: result))
    }
    return merges
  }
}

extension Vocabulary.Token {
  /// The token as one that is looked for in texts; `nil` for others.
  ///
  /// - Parameters:
  ///   - id: Its id.
  ///   - isMark: Whether its text makes it a control token, whatever its kind.
  /// - Returns: The token to look for.
  fileprivate func added(id: Int, isMark: Bool) -> AddedToken? {
    let isSpecial = isMark || kind == .control || kind == .unknown
    guard isSpecial || kind == .userDefined, !text.isEmpty else { return nil }
    return AddedToken(
      id: id, content: text, isSingleWord: false, stripsLeft: false, stripsRight: false,
      isNormalized: false, isSpecial: isSpecial)
  }
}
