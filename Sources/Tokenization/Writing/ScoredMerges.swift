import WeightmillTensors

/// The list of merges that a `tokenizer.json` needs, of a SentencePiece vocabulary, which has scores.
///
/// A pair of tokens that form a token is merged the sooner, the higher that token's score is. Of equal
/// scores, and of pairs that form the same token, the lower ids come first.
struct ScoredMerges {
  /// The pairs, the first rank first.
  let merges: [(left: Int, right: Int)]

  /// The longest token, in bytes, of which pairs are looked for; those of published vocabularies have
  /// up to 48 characters.
  private static let maximumLength = 256

  /// Finds the pairs.
  ///
  /// - Parameters:
  ///   - tokens: The tokens by id.
  ///   - location: The file, for messages.
  /// - Throws: `unsupported` for tokens that are too long, or more pairs than any vocabulary has.
  init(_ tokens: [Vocabulary.Token], location: String) throws(WeightmillError) {
    var ids: [ArraySlice<UInt8>: Int] = [:]
    ids.reserveCapacity(tokens.count)
    var results: [Int] = []
    for (id, token) in tokens.enumerated() where token.canMerge && !token.text.isEmpty {
      let text = Array(token.text.utf8)[...]
      guard ids[text] == nil else { continue }
      ids[text] = id
      results.append(id)
    }
    results.sort { (-tokens[$0].score, $0) < (-tokens[$1].score, $1) }
    var merges: [(left: Int, right: Int)] = []
    for id in results {
      let text = Array(tokens[id].text.utf8)
      guard text.count <= Self.maximumLength else {
        throw WeightmillError(
          .unsupported, location,
          "has a token of \(text.count) bytes (id \(id)), of which no merges are made")
      }
      var pairs: [(left: Int, right: Int)] = []
      for cut in text.indices.dropFirst() where text[cut] & 0xC0 != 0x80 {
        if let left = ids[text[..<cut]], let right = ids[text[cut...]] {
          pairs.append((left, right))
        }
      }
      merges += pairs.sorted { ($0.left, $0.right) < ($1.left, $1.right) }
      guard merges.count <= TokenizerJSON.maximumMerges else {
        throw WeightmillError(
          .unsupported, location,
          "has more than \(TokenizerJSON.maximumMerges) pairs of tokens that form a token")
      }
    }
    self.merges = merges
  }
}

extension Vocabulary.Token {
  /// Whether neighbours in a text become this token.
  fileprivate var canMerge: Bool { [.normal, .userDefined, .unused].contains(kind) }
}
