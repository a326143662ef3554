package import WeightmillTensors

/// A text that grows at its end, and what the model expects to come next.
///
/// The logits have the same bits as those of a pass over the whole text.
package struct Generation: Sendable {
  /// How many tokens go through the model together.
  private static let tokensPerPass = 512

  private let model: LlamaModel
  private var texts: GrowingTexts
  /// The number of tokens of the text.
  package var count: Int { texts.counts[0] }

  /// Begins with no text.
  ///
  /// - Parameter pass: The model.
  package init(_ pass: ForwardPass) {
    model = pass.model
    texts = GrowingTexts(pass, count: 1, capacity: pass.model.configuration.contextLength)
  }

  /// Adds tokens to the text.
  ///
  /// - Parameter tokens: Ids below the number of embedding rows, at least one.
  /// - Returns: The logits of the token after the last one, one for each row of the vocabulary.
  /// - Throws: `mismatch` for an id without a row, and when the text would become longer than the
  ///   model's context; reading errors. The text is then as it was.
  package mutating func extend(with tokens: [Int]) throws(WeightmillError) -> [Float] {
    precondition(!tokens.isEmpty)
    let (context, count) = (model.configuration.contextLength, count)
    guard tokens.count <= context - count else {
      throw WeightmillError(
        .mismatch, model.catalogue.location,
        "was trained on texts of \(context) tokens; this one has \(count + tokens.count)",
        remedy: "give a shorter text")
    }
    do throws(WeightmillError) {
      var first = 0
      while true {
        let end = min(first + Self.tokensPerPass, tokens.count)
        let last = try texts.extend([(0, Array(tokens[first..<end]))])
        guard end < tokens.count else { return try texts.logits(after: last).floats(0) }
        first = end
      }
    } catch {
      texts.truncate(0, to: count)
      throw error
    }
  }
}
