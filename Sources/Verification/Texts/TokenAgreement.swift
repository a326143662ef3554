package import WeightmillTensors
package import WeightmillTokenization

/// Whether two tokenizers give texts the same tokens.
package struct TokenAgreement: Sendable {
  private let expected: ModelTokenizer
  /// The candidate's tokenizer, unless it is the same.
  private let other: ModelTokenizer?
  /// The first difference, in words.
  package private(set) var difference: String?

  /// Prepares a comparison.
  ///
  /// - Parameters:
  ///   - reference: The tokenizer whose ids are right.
  ///   - candidate: The tokenizer to be judged.
  package init(reference: ModelTokenizer, candidate: ModelTokenizer) {
    expected = reference
    other = candidate == reference ? nil : candidate
  }

  /// Encodes a text with both tokenizers, and keeps the first difference.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - name: What it is called.
  /// - Returns: The reference's ids.
  /// - Throws: `unsupported` when a tokenizer prepares text in a way that is not known.
  package mutating func encode(_ text: String, name: String) throws(WeightmillError) -> [Int] {
    let ids = try expected.encode(text)
    guard difference == nil, let others = try other?.encode(text) else { return ids }
    let position = (0..<max(ids.count, others.count)).first {
      $0 >= ids.count || $0 >= others.count || ids[$0] != others[$0]
    }
    guard let position else { return ids }
    let near = expected.shown(Array(ids[max(0, position - 8)..<min(position + 8, ids.count)]))
    difference =
      "\(name), token \(position): "
      + "\(position < others.count ? "\(others[position])" : "none"), expected "
      + "\(position < ids.count ? "\(ids[position])" : "none"), in \"\(near)\""
    return ids
  }
}
