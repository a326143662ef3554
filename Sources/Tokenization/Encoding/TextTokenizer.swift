public import Tensors

/// Turns text into token ids, by whichever algorithm the vocabulary was made for.
public protocol TextTokenizer: Sendable {
  /// The tokens by id.
  var vocabulary: Vocabulary { get }

  /// The ids of a text.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - parsesControl: Whether the text of a control token, such as `<s>`, is that token rather
  ///     than its characters.
  ///   - addsSpecial: Whether what the vocabulary puts around a text, such as BOS, is added.
  /// - Returns: The ids.
  /// - Throws: `unsupported` when the vocabulary prepares text in a way that is not known.
  func encode(
    _ text: String, parsesControl: Bool, addsSpecial: Bool
  ) throws(WeightmillError) -> [Int]
}

extension Tokenizer: TextTokenizer {}
