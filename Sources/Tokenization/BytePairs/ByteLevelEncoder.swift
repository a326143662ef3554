/// Encodes text with a byte-level vocabulary that cuts it with patterns: what every model of today
/// does, without a copy of each word.
///
/// It gives what `BPEMerger` gives for the words that the vocabulary's steps cut; tests compare both.
struct ByteLevelEncoder: Sendable {
  private let patterns: [SplitPattern]
  private let merges: MergeTable
  /// The token of each byte, or -1: such bytes are left out.
  private let bytes: [Int32]
  /// The tokens by their bytes, when whole words are looked up.
  private let words: WordTable?

  /// Words that are longer are rare, and their neighbours are found with a queue.
  private static let longestWord = 64

  /// Makes an encoder; `nil` when the vocabulary does more with text, or with bytes that it lacks.
  ///
  /// - Parameters:
  ///   - vocabulary: The vocabulary.
  ///   - merges: Its merges.
  init?(_ vocabulary: BPEVocabulary, _ merges: MergeTable) {
    guard let patterns = Self.patterns(vocabulary.preparation.preTokenizers) else { return nil }
    var bytes = [Int32](repeating: -1, count: 256)
    var words = WordTable(
      capacity: vocabulary.rules.takesWholeWords ? vocabulary.vocabulary.tokens.count : 0)
    for (id, token) in vocabulary.vocabulary.tokens.enumerated()
    where token.kind != .unused && !vocabulary.onlyAdded.contains(id) {
      let text = token.text.unicodeScalars
      if text.count == 1, let byte = text.first.flatMap(ByteLevelAlphabet.byte) {
        bytes[Int(byte)] = Int32(id)
      }
      guard vocabulary.rules.takesWholeWords else { continue }
      let word = text.compactMap(ByteLevelAlphabet.byte)
      if word.count == text.count, words.value(of: word[...]) == nil {
        words.add(word[...], value: Int32(id))
      }
    }
    let (unknown, falls) = (vocabulary.rules.unknown, vocabulary.rules.fallsBackToBytes)
    guard !bytes.contains(-1) || (unknown == nil && !falls) else { return nil }
    self.patterns = patterns
    self.merges = merges
    self.bytes = bytes
    self.words = vocabulary.rules.takesWholeWords ? words : nil
  }

  /// The patterns of steps that only cut, and then make characters of bytes.
  private static func patterns(_ steps: [PreTokenizer]) -> [SplitPattern]? {
    guard case .byteLevel(addsSpace: false, let splits)? = steps.last else { return nil }
    var patterns: [SplitPattern] = []
    for step in steps.dropLast() {
      switch step {
      case .split(let pattern, .isolated, _): patterns.append(pattern)
      case .digits(let each):
        patterns.append(.words([.run(.number, upTo: each ? 1 : .max)]))
      default: return nil
      }
    }
    return patterns + (splits ? [.gpt2] : [])
  }

  /// What is remembered from one word to the next.
  struct State {
    /// Words that were encoded, with the place of their ids.
    fileprivate var seen = WordTable(capacity: 1 << 15)
    fileprivate var seenIDs: [(start: Int32, count: Int32)] = []
    fileprivate var ids: [Int32] = []
    fileprivate var word: [UInt8] = []
    fileprivate var symbols: [Int32] = []
    fileprivate var ranks: [MergeTable.Merge] = []
  }

  /// Appends the ids of a text.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - state: What is remembered.
  ///   - result: Where the ids go.
  func append(_ text: [Unicode.Scalar], _ state: inout State, to result: inout [Int]) {
    var scanner = WordScanner(text)
    var stretches = [0..<text.count]
    for pattern in patterns.dropLast() {
      var cut: [Range<Int>] = []
      cut.reserveCapacity(stretches.count)
      for stretch in stretches {
        scanner.move(to: stretch)
        pattern.forEachMatch(scanner) { cut.append($0.range) }
      }
      stretches = cut
    }
    for stretch in stretches {
      guard let last = patterns.last else {
        append(text, stretch, &state, to: &result)
        continue
      }
      scanner.move(to: stretch)
      last.forEachMatch(scanner) { append(text, $0.range, &state, to: &result) }
    }
  }

  private func append(
    _ text: [Unicode.Scalar], _ range: Range<Int>, _ state: inout State, to result: inout [Int]
  ) {
    state.word.removeAll(keepingCapacity: true)
    for index in range { state.word.append(utf8: text[index]) }
    if let number = state.seen.value(of: state.word[...]) {
      let (start, count) = state.seenIDs[Int(number)]
      for place in Int(start)..<Int(start + count) { result.append(Int(state.ids[place])) }
      return
    }
    encode(&state)
    for id in state.symbols { result.append(Int(id)) }
    guard state.word.count <= Self.longestWord, state.seen.count < 1 << 15 else { return }
    state.seen.add(state.word[...], value: Int32(state.seenIDs.count))
    state.seenIDs.append((Int32(state.ids.count), Int32(state.symbols.count)))
    state.ids += state.symbols
  }

  /// Makes symbols of the word.
  private func encode(_ state: inout State) {
    state.symbols.removeAll(keepingCapacity: true)
    if let id = words?.value(of: state.word[...]) {
      state.symbols.append(id)
      return
    }
    for byte in state.word where bytes[Int(byte)] >= 0 {
      state.symbols.append(bytes[Int(byte)])
    }
    guard state.symbols.count <= Self.longestWord else {
      return merges.join(&state.symbols)
    }
    merges.joinShort(&state.symbols, &state.ranks)
  }
}

extension [UInt8] {
  /// Appends a character's UTF-8.
  fileprivate mutating func append(utf8 scalar: Unicode.Scalar) {
    let value = scalar.value
    func part(_ shift: UInt32) -> UInt8 {
      UInt8(truncatingIfNeeded: 0x80 | (value >> shift & 0x3F))
    }
    switch value {
    case 0..<0x80: append(UInt8(truncatingIfNeeded: value))
    case 0x80..<0x800:
      append(UInt8(truncatingIfNeeded: 0xC0 | value >> 6))
      append(part(0))
    case 0x800..<0x1_0000:
      append(UInt8(truncatingIfNeeded: 0xE0 | value >> 12))
      append(part(6))
      append(part(0))
    default:
      append(UInt8(truncatingIfNeeded: 0xF0 | value >> 18))
      append(part(12))
      append(part(6))
      append(part(0))
    }
  }
}
