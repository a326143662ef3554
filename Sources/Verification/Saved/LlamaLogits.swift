package import WeightmillTensors

/// The logits that llama-perplexity saved, as a reference: `formats/llama-logits.md`.
///
/// They are log probabilities in 16 bits, of the second half of each window.
package final class LlamaLogits: SavedLogits {
  /// The path.
  package let location: String
  /// The windows that llama-perplexity judged, as one text.
  package let texts: [EvaluationText]
  /// The program that saved them.
  package let origin: String? = "saved by llama-perplexity, 16 bits"
  /// Always false: they are rounded to 16 bits, and unlikely tokens are cut off.
  package let isExact = false
  /// The number of log probabilities at each position.
  package var vocabularyRows: Int { file.vocabularySize }
  private let file: LlamaLogitsFile

  /// Opens a file.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - bos: What the model saw as the first token of each window, if its vocabulary adds BOS: the
  ///     file does not say it.
  /// - Throws: The errors of `LlamaLogitsFile`.
  package init(path: String, bos: Int?) throws(WeightmillError) {
    file = try LlamaLogitsFile(path)
    location = path
    let (context, judged, tokens) = (file.context, file.positions, file.tokens)
    let windows = (0..<file.chunkCount).map { chunk in
      var window = Array(tokens[chunk * context..<(chunk + 1) * context])
      if let bos { window[0] = bos }
      return EvaluationText.Window(tokens: window, judged: judged)
    }
    texts = [EvaluationText(name: path, windows: windows)]
  }

  /// The log probabilities of a position: see `SavedLogits`.
  package func logits(_ position: Int) throws(WeightmillError) -> [Float] {
    let count = file.positions.count
    return try file.logProbabilities(
      chunk: position / count, position: file.positions.lowerBound + position % count)
  }
}
