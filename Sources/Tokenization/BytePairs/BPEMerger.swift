import WeightmillTensors

/// Makes the tokens of words: characters first, then merges in order of rank.
struct BPEMerger: Sendable {
  private let rules: BPEVocabulary.Rules
  /// The tokens of one character.
  private let characters: [Unicode.Scalar: Int32]
  /// All tokens by their text, when whole words are looked up.
  private let words: [TensorName: Int32]
  /// The tokens `<0xHH>`, or -1 where there is none.
  private let bytes: [Int32]
  private let merges: MergeTable

  init(_ vocabulary: BPEVocabulary, _ merges: MergeTable) {
    self.merges = merges
    rules = vocabulary.rules
    var characters: [Unicode.Scalar: Int32] = [:]
    var words: [TensorName: Int32] = [:]
    var bytes = [Int32](repeating: -1, count: 256)
    for (id, token) in vocabulary.vocabulary.tokens.enumerated() {
      guard token.kind != .unused, !vocabulary.onlyAdded.contains(id) else { continue }
      let scalars = token.text.unicodeScalars
      if let first = scalars.first, scalars.count == 1 { characters[first] = Int32(id) }
      if rules.takesWholeWords { words[TensorName(token.text)] = Int32(id) }
      if let byte = token.byte { bytes[Int(byte)] = Int32(id) }
    }
    self.characters = characters
    self.words = words
    self.bytes = bytes
  }

  /// The ids of a word.
  func ids(of word: [Unicode.Scalar]) -> [Int] {
    if rules.takesWholeWords {
      let text = String(String.UnicodeScalarView(word))
      if let id = words[TensorName(text)] { return [Int(id)] }
    }
    var symbols = symbols(of: word)
    merges.join(&symbols)
    return symbols.map { Int($0) }
  }

  // MARK: Characters

  /// The tokens of the characters; of those in no token, bytes, the unknown token or nothing.
  private func symbols(of word: [Unicode.Scalar]) -> [Int32] {
    var symbols: [Int32] = []
    symbols.reserveCapacity(word.count)
    func add(_ id: Int32) { symbols.append(id) }
    // An unknown token is held back until a known one follows, so that others can join it. Bytes
    // do not let it out, which `tokenizers` does not do either.
    var pending: Int32?
    for scalar in word {
      if let id = characters[scalar] {
        if let unknown = pending { add(unknown) }
        pending = nil
        add(id)
      } else if let ids = byteIDs(of: scalar) {
        ids.forEach(add)
      } else if let unknown = rules.unknown.map({ Int32($0) }) {
        if let held = pending, !rules.fusesUnknown { add(held) }
        pending = unknown
      }
    }
    if let unknown = pending { add(unknown) }
    return symbols
  }

  /// The tokens of a character's bytes, if all are there and are to be used.
  private func byteIDs(of scalar: Unicode.Scalar) -> [Int32]? {
    guard rules.fallsBackToBytes, let encoded = UTF8.encode(scalar) else { return nil }
    let ids = encoded.map { bytes[Int($0)] }
    return ids.contains(-1) ? nil : ids
  }
}
