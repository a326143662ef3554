import HeapModule
import WeightmillTensors

/// Encodes text to token ids and back, by byte-pair merges in order of score.
///
/// Two ways to encode: `encode(plain:)` gives SentencePiece's ids for a text, `encode(_:)` gives
/// those of llama.cpp, which adds BOS and finds special tokens in the text.
public struct Tokenizer: Sendable {
  /// The vocabulary.
  package let vocabulary: Vocabulary
  /// The changes to a text before it is cut, besides marks for spaces.
  let normalizer: SentencePieceNormalizer?
  private let ids: [ArraySlice<UInt8>: Int]
  private let byteIDs: [UInt8: Int]
  private let fallback: Int
  /// Tokens that are found in a text as a whole, longest first.
  private let special: [(bytes: [UInt8], id: Int)]
  /// Tokens that are control tokens by their texts, whatever their kind.
  private let marks: Set<Int>

  private static let space: [UInt8] = [0xE2, 0x96, 0x81]  // U+2581

  /// Makes a tokenizer.
  ///
  /// - Parameter vocabulary: The vocabulary; of equal texts the first counts.
  package init(_ vocabulary: Vocabulary) { self.init(vocabulary, normalizer: nil) }

  /// Makes a tokenizer that does more to a text than to mark spaces.
  ///
  /// - Parameters:
  ///   - vocabulary: The vocabulary; of equal texts the first counts.
  ///   - normalizer: What it does, if anything.
  package init(_ vocabulary: Vocabulary, normalizer: SentencePieceNormalizer?) {
    self.vocabulary = vocabulary
    self.normalizer = normalizer
    var ids: [ArraySlice<UInt8>: Int] = [:]
    var byteIDs: [UInt8: Int] = [:]
    var special: [(bytes: [UInt8], id: Int)] = []
    let marks = vocabulary.marks
    for (id, token) in vocabulary.tokens.enumerated() {
      let bytes = Array(token.text.utf8)
      switch token.kind {
      case .normal, .userDefined, .unused:
        ids[bytes[...], default: id] = min(ids[bytes[...]] ?? id, id)
      case .byte: if let byte = token.byte { byteIDs[byte] = byteIDs[byte] ?? id }
      case .unknown, .control: break
      }
      let isSpecial = [.control, .userDefined, .unknown].contains(token.kind)
      if isSpecial || marks.contains(id), !bytes.isEmpty {
        special.append((bytes, id))
      }
    }
    self.ids = ids
    self.byteIDs = byteIDs
    self.fallback = vocabulary.special.unknown ?? 0
    self.special = special.sorted { $0.bytes.count > $1.bytes.count }
    self.marks = marks
  }

  /// The ids of a text as SentencePiece gives them: no BOS, no special tokens.
  ///
  /// - Parameter text: The text.
  /// - Returns: The ids.
  package func encode(plain text: String) -> [Int] {
    guard !text.isEmpty else { return [] }
    return merge(escaped(Array(text.utf8)[...], prefix: vocabulary.special.addsSpacePrefix))
  }

  /// The ids of a text as llama.cpp gives them.
  ///
  /// User-defined tokens are always found in the text, but for those whose texts end a text, such
  /// as `</s>`: these are control tokens whatever the file says. After a special token, as at the beginning,
  /// a space goes before what follows.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - parsesControl: Whether `<s>` in the text is the token rather than three characters.
  ///   - addsSpecial: Whether BOS and EOS are added where the vocabulary says so.
  /// - Returns: The ids.
  package func encode(
    _ text: String, parsesControl: Bool = false, addsSpecial: Bool = true
  ) -> [Int] {
    var result: [Int] = []
    let special = vocabulary.special
    if addsSpecial, special.addsBOS, let bos = special.bos { result.append(bos) }
    var afterSpecial = true
    for fragment in fragments(of: Array(text.utf8), parsesControl: parsesControl) {
      switch fragment {
      case .token(let id):
        result.append(id)
        afterSpecial = true
      case .text(let bytes):
        result += merge(escaped(bytes, prefix: special.addsSpacePrefix && afterSpecial))
        afterSpecial = false
      }
    }
    if addsSpecial, special.addsEOS, let eos = special.eos { result.append(eos) }
    return result
  }

  /// The text of ids; control tokens have none, and broken UTF-8 shows as U+FFFD.
  ///
  /// - Parameters:
  ///   - ids: Ids of the vocabulary; others have no text.
  ///   - atStart: Whether they begin a text: the space that goes before a text is left out then.
  /// - Returns: The text.
  package func decode(_ ids: [Int], atStart: Bool = true) -> String {
    let bytes = ids.flatMap { self.bytes(of: $0) }
    let hasPrefix = atStart && vocabulary.special.addsSpacePrefix && bytes.first == 0x20
    return String(decoding: hasPrefix ? bytes.dropFirst() : bytes[...], as: UTF8.self)
  }

  /// The bytes of a token's text, with spaces for U+2581; none for control tokens and for ids that
  /// the vocabulary does not have.
  func bytes(of id: Int) -> [UInt8] {
    guard vocabulary.tokens.indices.contains(id), !marks.contains(id) else { return [] }
    let token = vocabulary.tokens[id]
    return switch token.kind {
    case .byte: token.byte.map { [$0] } ?? []
    case .control, .unknown: []
    default: Array(token.text.withSpaces.utf8)
    }
  }

  // MARK: Special tokens in a text

  private enum Fragment {
    case text(ArraySlice<UInt8>)
    case token(Int)
  }

  /// Cuts a text at special tokens: longer tokens first, each from left to right.
  private func fragments(of text: [UInt8], parsesControl: Bool) -> [Fragment] {
    var fragments: [Fragment] = text.isEmpty ? [] : [.text(text[...])]
    // Most tokens' first two bytes do not stand in the text together: it need not be searched.
    let pairs = Set(zip(text, text.dropFirst()).map { UInt16($0) << 8 | UInt16($1) })
    for (bytes, id) in special {
      guard bytes.count < 2 || pairs.contains(UInt16(bytes[0]) << 8 | UInt16(bytes[1])) else {
        continue
      }
      guard parsesControl || isUserDefined(id) else { continue }
      fragments = fragments.flatMap { fragment -> [Fragment] in
        guard case .text(let text) = fragment else { return [fragment] }
        return Self.split(text, at: bytes, id: id)
      }
    }
    return fragments
  }

  /// Whether a token is found in every text, not only where control tokens are looked for.
  private func isUserDefined(_ id: Int) -> Bool {
    vocabulary.tokens[id].kind == .userDefined && !marks.contains(id)
  }

  private static func split(_ text: ArraySlice<UInt8>, at token: [UInt8], id: Int) -> [Fragment] {
    var fragments: [Fragment] = []
    var start = text.startIndex
    var index = text.startIndex
    while index + token.count <= text.endIndex {
      guard text[index] == token[0], text[index..<index + token.count].elementsEqual(token) else {
        index += 1
        continue
      }
      if start < index { fragments.append(.text(text[start..<index])) }
      fragments.append(.token(id))
      index += token.count
      start = index
    }
    if start < text.endIndex { fragments.append(.text(text[start...])) }
    return fragments
  }

  // MARK: Merging

  private func escaped(_ text: ArraySlice<UInt8>, prefix: Bool) -> [UInt8] {
    if let normalizer { return normalizer.normalized(text, prefix: prefix) }
    var bytes: [UInt8] = prefix ? Self.space : []
    for byte in text {
      if byte == 0x20 { bytes += Self.space } else { bytes.append(byte) }
    }
    return bytes
  }

  /// A pair of neighbours that could become one token.
  private struct Merge: Comparable {
    let score: Float
    let left: Int
    let right: Int
    /// The length of both together: a pair whose parts have changed since is stale.
    let length: Int

    /// The order of the queue: the highest score first, then the leftmost pair.
    static func < (a: Merge, b: Merge) -> Bool {
      a.score != b.score ? a.score < b.score : a.left > b.left
    }
  }

  private struct Symbol {
    var range: Range<Int>
    var previous: Int
    var next: Int
  }

  /// Merges characters to tokens, always the pair with the highest score, the leftmost of equals.
  private func merge(_ text: [UInt8]) -> [Int] {
    var symbols = Self.characters(of: text)
    var queue = Heap<Merge>()
    func propose(_ left: Int, _ right: Int) {
      guard left >= 0, right >= 0 else { return }
      let range = symbols[left].range.lowerBound..<symbols[right].range.upperBound
      guard let id = ids[text[range]] else { return }
      queue.insert(
        Merge(
          score: vocabulary.tokens[id].score, left: left, right: right, length: range.count))
    }
    for index in symbols.indices.dropLast() { propose(index, index + 1) }
    while let merge = queue.popMax() {
      let left = symbols[merge.left]
      let right = symbols[merge.right]
      guard !left.range.isEmpty, !right.range.isEmpty,
        left.range.count + right.range.count == merge.length
      else { continue }
      symbols[merge.left].range = left.range.lowerBound..<right.range.upperBound
      symbols[merge.left].next = right.next
      symbols[merge.right].range = right.range.upperBound..<right.range.upperBound
      if right.next >= 0 { symbols[right.next].previous = merge.left }
      propose(left.previous, merge.left)
      propose(merge.left, right.next)
    }
    return symbols.flatMap { $0.range.isEmpty ? [] : ids(of: text[$0.range]) }
  }

  /// The token of some bytes, or one byte token for each of them.
  private func ids(of bytes: ArraySlice<UInt8>) -> [Int] {
    if let id = ids[bytes] { return [id] }
    return bytes.map { byteIDs[$0] ?? fallback }
  }

  private static func characters(of text: [UInt8]) -> [Symbol] {
    var symbols: [Symbol] = []
    var start = 0
    while start < text.count {
      var end = start + 1
      while end < text.count, text[end] & 0xC0 == 0x80 { end += 1 }
      symbols.append(
        Symbol(range: start..<end, previous: symbols.count - 1, next: symbols.count + 1))
      start = end
    }
    if !symbols.isEmpty { symbols[symbols.count - 1].next = -1 }
    return symbols
  }
}
