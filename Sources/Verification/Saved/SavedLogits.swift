import WeightmillSafetensors
package import WeightmillTensors

/// Logits that were computed earlier, to judge a model by without the one they came from.
package protocol SavedLogits: Sendable {
  /// The file.
  var location: String { get }
  /// The number of logits at each position.
  var vocabularyRows: Int { get }
  /// The texts they were computed for.
  var texts: [EvaluationText] { get }
  /// Whether these are the logits that were computed; if not, unlikely tokens were cut off and the
  /// square error says nothing.
  var isExact: Bool { get }
  /// The file's words on the model that the logits came from.
  var origin: String? { get }

  /// The logits of a position, or its log probabilities.
  ///
  /// - Parameter position: Counted through the judged positions of all texts in their order.
  /// - Returns: As many as the vocabulary has rows.
  /// - Throws: Reading errors.
  func logits(_ position: Int) throws(WeightmillError) -> [Float]
}

/// Finds saved logits by the content of a file.
package enum SavedLogitsFile {
  /// Opens a path as saved logits, if it is a file of them.
  ///
  /// - Parameters:
  ///   - path: Any path.
  ///   - bos: The token each window begins with, which llama-perplexity's files do not hold.
  /// - Returns: The logits; `nil` when it is something else.
  /// - Throws: When it is a damaged file of logits.
  package static func open(_ path: String, bos: Int?) throws(WeightmillError) -> (any SavedLogits)?
  {
    // Folders are models; what cannot be opened is reported by whoever opens models.
    guard let file = try? InputFile(path),
      let head = try? file.bytes(at: 0, count: min(9, file.byteCount)), head.count >= 8
    else { return nil }
    if head.starts(with: LlamaLogitsFile.magic) { return try LlamaLogits(path: path, bos: bos) }
    guard head.last == UInt8(ascii: "{"), let container = try? SafetensorsFile(path: path),
      container.metadata.contains(where: { $0.name == LogitsFile.mark.name })
    else { return nil }
    return try LogitsFile(path: path)
  }
}
