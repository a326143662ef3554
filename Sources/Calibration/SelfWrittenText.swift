public import WeightmillLLaMA
package import WeightmillModels
public import WeightmillTensors
public import WeightmillTokenization

/// Text that a model writes itself, from which it can learn which weights matter where no text is at hand.
///
/// Tokens are drawn by their probabilities at temperature 1, none left out. A window begins with a text's
/// first token: BOS if the vocabulary adds one, otherwise the token that stood between texts when the model
/// was trained, or the one that ends them. A text that ends is followed by another in the same window. The
/// end of a turn in a conversation does not end a text, unless the vocabulary knows no other end.
///
/// The same model, options and windows give the same tokens, with any number of threads, any memory and on
/// any processor with the same C library.
public struct SelfWrittenText: Sendable {
  /// How text is written.
  public struct Options: Sendable {
    /// The number of tokens; windows are written whole.
    public var tokens = 32_768
    /// The seed of the random numbers.
    public var seed: UInt64 = 0
    /// The most bytes of keys, values and logits of the windows that are written side by side; at least
    /// one is written.
    public var memory = 1 << 30

    /// 32,768 tokens from seed 0, in 1 GiB.
    public init() {}
  }

  /// The token ids of windows of the same length.
  public let windows: [[Int]]
  /// The token that texts begin with.
  public let start: Int
  /// The number of windows that were written side by side.
  package let windowsSideBySide: Int
  /// The name in files of importance.
  let name: String

  /// Lets a model write.
  ///
  /// - Parameters:
  ///   - writer: The model that writes: the one that learns, or a smaller file of it.
  ///   - tokenizer: The tokenizer of the one that learns.
  ///   - context: How many tokens a window holds, at least 2.
  ///   - options: How much is written, and from which random numbers.
  ///   - draft: The file of the writer, if it is another than the one that learns.
  ///   - workers: The threads.
  ///   - progress: Called with the numbers of tokens that are written and that there will be.
  /// - Throws: `mismatch` when the vocabulary has no token that begins or ends a text, or the model
  ///   predicts values that are infinite or not numbers; reading errors.
  public init(
    by writer: LlamaModel, tokenizer: ModelTokenizer, context: Int, options: Options = Options(),
    draft: String? = nil, workers: Workers, progress: (Int, Int) -> Void = { _, _ in }
  ) throws(WeightmillError) {
    let vocabulary = tokenizer.vocabulary
    guard let start = vocabulary.textStart else {
      throw WeightmillError(
        .mismatch, writer.catalogue.location,
        "cannot write a text: its vocabulary has no token that begins one or ends one",
        remedy: "give a text with --text FILE")
    }
    let context = max(2, context)
    let count = (max(1, options.tokens) + context - 1) / context
    let pass = ForwardPass(writer, workers: workers)
    let windowWriter = WindowWriter(
      pass,
      WindowWriter.Settings(
        context: context, start: start, ends: vocabulary.textEnds, seed: options.seed,
        memory: options.memory))
    windows = try windowWriter.write(count) { progress($0, count * context) }
    windowsSideBySide = windowWriter.windowsSideBySide(of: count)
    self.start = start
    let file = draft?.split(separator: "/").last.map { ", by \($0)" } ?? ""
    name = "self (\(count * context) tokens, seed \(options.seed)\(file))"
  }

  /// The texts in the windows; the last one of each is cut off where its window ends.
  package var texts: [ArraySlice<Int>] {
    windows.flatMap { window in
      let starts = window.indices.filter { window[$0] == start }
      return zip(starts, starts.dropFirst() + [window.count]).map { window[$0..<$1] }
    }
  }

  /// Refuses a draft that writes in another vocabulary.
  ///
  /// - Parameters:
  ///   - draft: The model that shall write.
  ///   - model: The one that shall learn from it.
  /// - Throws: `mismatch` when an id stands for different tokens, or the draft has more of them.
  package static func check(
    draft: LoadedModel, for model: LoadedModel
  ) throws(WeightmillError) {
    let (ours, theirs) = (try model.requiredTokenizer(), try draft.requiredTokenizer())
    let (rows, draftRows) = (
      model.llama.configuration.vocabularyRows, draft.llama.configuration.vocabularyRows
    )
    let path = draft.llama.catalogue.location
    let remedy = "give a quantized file of the same model with --draft"
    guard draftRows <= rows else {
      throw WeightmillError(
        .mismatch, path,
        "cannot write for \(model.llama.catalogue.location): it has \(draftRows) tokens, "
          + "that model \(rows)", remedy: remedy)
    }
    let pairs = zip(ours.vocabulary.tokens, theirs.vocabulary.tokens)
    if let (id, pair) = pairs.enumerated().first(where: {
      TensorName($0.element.0.text) != TensorName($0.element.1.text)
    }) {
      throw WeightmillError(
        .mismatch, path,
        "cannot write for \(model.llama.catalogue.location): token \(id) is "
          + "\(quoted(pair.1.text, limit: 20)), there \(quoted(pair.0.text, limit: 20))",
        remedy: remedy)
    }
  }
}
