public import Tokenization

/// Whether two vocabularies give texts the same tokens.
public struct TokenAgreement: Sendable {
  private let expected: Tokenizer
  /// The candidate's tokenizer, unless its vocabulary is the same.
  private let other: Tokenizer?
  /// The first difference, in words.
  public private(set) var difference: String?

  /// Prepares a comparison.
  ///
  /// - Parameters:
  ///   - reference: The vocabulary whose ids are right.
  ///   - candidate: The vocabulary to be judged.
  public init(reference: Vocabulary, candidate: Vocabulary) {
    expected = Tokenizer(reference)
    other = candidate == reference ? nil : Tokenizer(candidate)
  }

  /// Encodes a text with both tokenizers, and keeps the first difference.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - name: What it is called.
  /// - Returns: The reference's ids.
  public mutating func encode(_ text: String, name: String) -> [Int] {
    let ids = expected.encode(text)
    guard difference == nil, let others = other?.encode(text) else { return ids }
    let place = (0..<max(ids.count, others.count)).first {
      $0 >= ids.count || $0 >= others.count || ids[$0] != others[$0]
    }
    guard let place else { return ids }
    let near = expected.decode(Array(ids[max(0, place - 8)..<min(place + 8, ids.count)]))
    difference =
      "\(name), token \(place): \(place < others.count ? "\(others[place])" : "none"), expected "
      + "\(place < ids.count ? "\(ids[place])" : "none"), in \"\(near)\""
    return ids
  }
}
