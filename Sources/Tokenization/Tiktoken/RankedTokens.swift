import WeightmillTensors

/// Tokens whose rank is the order in which pairs merge into them, as tiktoken has them.
enum RankedTokens {
  /// The pairs that form each token, in order of its rank; of one token's, those of lower ranks
  /// first. So does transformers' converter, and Llama 3's `tokenizer.json` holds the same list.
  ///
  /// - Parameters:
  ///   - tokens: The bytes of each token, in order of rank.
  ///   - firstID: The id of the token of rank 0.
  ///   - location: The file, for messages.
  /// - Returns: The merges.
  /// - Throws: `unsupported` when there are too many.
  static func merges(
    _ tokens: [[UInt8]], firstID: Int32 = 0, location: String
  ) throws(WeightmillError) -> [BPEVocabulary.Merge] {
    var ranks: [ArraySlice<UInt8>: Int32] = [:]
    ranks.reserveCapacity(tokens.count)
    for (rank, token) in tokens.enumerated() { ranks[token[...]] = firstID + Int32(rank) }
    var merges: [BPEVocabulary.Merge] = []
    for (rank, token) in tokens.enumerated() {
      let pairs = token.indices.dropFirst().compactMap { cut -> BPEVocabulary.Merge? in
        guard let left = ranks[token[..<cut]], let right = ranks[token[cut...]] else { return nil }
        return BPEVocabulary.Merge(left: left, right: right, result: firstID + Int32(rank))
      }
      merges += pairs.sorted { ($0.left, $0.right) < ($1.left, $1.right) }
      guard merges.count <= TokenizerJSON.maximumMerges else {
        throw WeightmillError(
          .unsupported, location, "has more than \(TokenizerJSON.maximumMerges) merges")
      }
    }
    return merges
  }
}
