package import WeightmillTensors

/// Logits that were computed earlier, to judge a model by without the one they came from.
package protocol SavedLogits: Sendable {
  /// The file.
  var location: String { get }
  /// How many logits each position has.
  var vocabularyRows: Int { get }
  /// The texts they were computed for.
  var texts: [EvaluationText] { get }
  /// Whether these are the logits that were computed; if not, unlikely tokens were cut off and the
  /// square error says nothing.
  var isExact: Bool { get }
  /// What the file says of the model they came from.
  var origin: String? { get }

  /// The logits of a position, or its log probabilities.
  ///
  /// - Parameter position: Counted through the judged positions of all texts in their order.
  /// - Returns: As many as the vocabulary has rows.
  /// - Throws: Reading errors.
  func logits(_ position: Int) throws(WeightmillError) -> [Float]
}
