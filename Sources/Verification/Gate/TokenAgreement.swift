public import Tensors
public import Tokenization

/// Whether two vocabularies give a text the same tokens.
public enum TokenAgreement {
  /// Encodes a text with both tokenizers.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - candidate: The candidate's vocabulary and the file it is in.
  ///   - reference: The reference's vocabulary.
  /// - Returns: The ids, the same from both.
  /// - Throws: `mismatch` with the first difference.
  public static func encode(
    _ text: String, candidate: (vocabulary: Vocabulary, location: String), reference: Vocabulary
  ) throws(WeightmillError) -> [Int] {
    let expected = Tokenizer(reference)
    let ids = expected.encode(text)
    // The same vocabulary gives the same ids.
    if candidate.vocabulary == reference { return ids }
    let tokenizer = Tokenizer(candidate.vocabulary)
    let others = tokenizer.encode(text)
    guard
      let place = (0..<max(ids.count, others.count)).first(where: {
        $0 >= ids.count || $0 >= others.count || ids[$0] != others[$0]
      })
    else { return ids }
    let before = expected.decode(Array(ids[max(0, place - 8)..<min(place + 8, ids.count)]))
    throw WeightmillError(
      .mismatch, candidate.location, "gives the text other tokens than the reference does",
      at: "token \(place): \(place < others.count ? "\(others[place])" : "none"), expected "
        + "\(place < ids.count ? "\(ids[place])" : "none"), in \(quoted(before))",
      remedy: "convert again with the reference's tokenizer")
  }
}
