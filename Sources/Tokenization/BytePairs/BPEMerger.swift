import HeapModule
import WeightmillTensors

/// Makes the tokens of words: characters first, then merges in order of rank.
struct BPEMerger: Sendable {
  /// A merge by the pair it joins.
  private struct Target {
    let rank: Int32
    let id: Int32
  }

  /// A pair of neighbours that could become one token.
  private struct Candidate: Comparable {
    let rank: Int32
    let left: Int32
    let id: Int32

    /// The order of the queue: the lowest rank first, then the leftmost pair.
    static func < (a: Candidate, b: Candidate) -> Bool {
      a.rank != b.rank ? a.rank < b.rank : a.left < b.left
    }
  }

  private struct Symbol {
    /// The token, or -1 once it was swallowed.
    var id: Int32
    var previous: Int32
    var next: Int32
  }

  private let rules: BPEVocabulary.Rules
  /// The tokens of one character.
  private let characters: [Unicode.Scalar: Int32]
  /// All tokens by their text, when whole words are looked up.
  private let words: [TensorName: Int32]
  /// The tokens `<0xHH>`, or -1 where there is none.
  private let bytes: [Int32]
  private let merges: [UInt64: Target]

  init(_ vocabulary: BPEVocabulary) {
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
    var merges: [UInt64: Target] = [:]
    merges.reserveCapacity(vocabulary.merges.count)
    for (rank, merge) in vocabulary.merges.enumerated() {
      merges[Self.key(merge.left, merge.right)] = Target(rank: Int32(rank), id: merge.result)
    }
    self.characters = characters
    self.words = words
    self.bytes = bytes
    self.merges = merges
  }

  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  /// The ids of a word.
  func ids(of word: [Unicode.Scalar]) -> [Int] {
    if rules.takesWholeWords {
      let text = String(String.UnicodeScalarView(word))
      if let id = words[TensorName(text)] { return [Int(id)] }
    }
    var symbols = symbols(of: word)
    merge(&symbols)
    return symbols.compactMap { $0.id < 0 ? nil : Int($0.id) }
  }

  // MARK: Characters

  /// The tokens of the characters; of those in no token, bytes, the unknown token or nothing.
  private func symbols(of word: [Unicode.Scalar]) -> [Symbol] {
    var symbols: [Symbol] = []
    symbols.reserveCapacity(word.count)
    func add(_ id: Int32) {
      let index = Int32(symbols.count)
      symbols.append(Symbol(id: id, previous: index - 1, next: index + 1))
    }
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
    if !symbols.isEmpty { symbols[symbols.count - 1].next = -1 }
    return symbols
  }

  /// The tokens of a character's bytes, if all are there and are to be used.
  private func byteIDs(of scalar: Unicode.Scalar) -> [Int32]? {
    guard rules.fallsBackToBytes, let encoded = UTF8.encode(scalar) else { return nil }
    let ids = encoded.map { bytes[Int($0)] }
    return ids.contains(-1) ? nil : ids
  }

  // MARK: Merging

  private func candidate(_ left: Int32, _ symbols: [Symbol]) -> Candidate? {
    guard left >= 0 else { return nil }
    let symbol = symbols[Int(left)]
    guard symbol.next >= 0,
      let target = merges[Self.key(symbol.id, symbols[Int(symbol.next)].id)]
    else { return nil }
    return Candidate(rank: target.rank, left: left, id: target.id)
  }

  /// Joins neighbours, always the pair of the lowest rank, the leftmost of equals.
  private func merge(_ symbols: inout [Symbol]) {
    var queue = Heap(symbols.indices.compactMap { candidate(Int32($0), symbols) })
    while let best = queue.popMin() {
      let left = Int(best.left)
      // The pair may have changed since it was proposed.
      guard symbols[left].id >= 0, symbols[left].next >= 0 else { continue }
      let right = Int(symbols[left].next)
      guard merges[Self.key(symbols[left].id, symbols[right].id)]?.id == best.id else { continue }
      symbols[left].id = best.id
      symbols[left].next = symbols[right].next
      symbols[right].id = -1
      let next = symbols[left].next
      if next >= 0 { symbols[Int(next)].previous = best.left }
      if let new = candidate(symbols[left].previous, symbols) { queue.insert(new) }
      if let new = candidate(best.left, symbols) { queue.insert(new) }
    }
  }
}
