import ArgumentParser
import WeightmillCalibration
import WeightmillLLaMA
import WeightmillModels
import WeightmillOutput
import WeightmillTensors
import WeightmillTokenization

/// How a model writes text itself: what every command shares that learns from such text.
struct SelfWritingOptions: ParsableArguments {
  @Option(help: "Where the random numbers of self begin (default: 0).")
  var seed: UInt64?

  @Option(
    help: ArgumentHelp(
      "Keep what the model wrote: token ids in a .json file, words in any other.",
      valueName: "file"),
    completion: .file())
  var saveText: String?

  @Option(
    help: ArgumentHelp(
      "A quantized file of the model, which writes the text of self in its place.",
      valueName: "file"),
    completion: .file(extensions: ["gguf"]))
  var draft: String?

  /// The options, and whether each was given.
  var all: [(name: String, isGiven: Bool)] {
    [("--seed", seed != nil), ("--save-text", saveText != nil), ("--draft", draft != nil)]
  }

  /// How much is written, and from which random numbers.
  ///
  /// - Parameter tokens: How many tokens were asked for.
  /// - Returns: The same with what is not asked for by default.
  func options(tokens: Int?) -> SelfWrittenText.Options {
    var options = SelfWrittenText.Options()
    if let tokens { options.tokens = tokens }
    if let seed { options.seed = seed }
    return options
  }

  /// Refuses a name for the text that cannot, or must not, be written.
  ///
  /// - Parameters:
  ///   - output: What else is written.
  ///   - overwrite: Whether what is there may be replaced.
  ///   - inputs: Files that are read.
  ///   - tokenizer: The model's, which says whether ids have words.
  /// - Throws: `cannotWrite` or `usage`.
  func checkText(
    isNot output: String, overwrite: Bool, inputs: [String], _ tokenizer: ModelTokenizer
  ) throws(WeightmillError) {
    guard let saveText else { return }
    try SelfWrittenTextFile.check(
      saveText, overwrite: overwrite, inputs: inputs, tokenizer: tokenizer)
    try OutputFile.check(saveText, isNot: output)
  }

  /// Lets a model write, and draws its progress.
  ///
  /// - Parameters:
  ///   - writer: The model, or its draft.
  ///   - tokenizer: The tokenizer of the model that learns.
  ///   - context: How many tokens a window holds.
  ///   - options: How much is written.
  ///   - common: Threads, and whether progress is drawn.
  /// - Returns: The text.
  /// - Throws: As `SelfWrittenText.init`.
  func compose(
    by writer: LlamaModel, _ tokenizer: ModelTokenizer, context: Int,
    _ options: SelfWrittenText.Options, _ common: CommonOptions
  ) throws(WeightmillError) -> SelfWrittenText {
    let line = ProgressLine("writing", options: common)
    defer { line.finish() }
    return try SelfWrittenText(
      by: writer, tokenizer: tokenizer, context: context, options: options, draft: draft,
      workers: common.workers
    ) { line.update(tokens: $0, total: $1) }
  }

  /// Keeps the text if that is asked for.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - overwrite: Whether what is there may be replaced.
  ///   - inputs: Files that are read.
  ///   - tokenizer: The model's.
  /// - Throws: The errors of writing.
  func keep(
    _ text: SelfWrittenText, overwrite: Bool, inputs: [String], _ tokenizer: ModelTokenizer
  ) throws(WeightmillError) {
    guard let saveText else { return }
    try SelfWrittenTextFile.write(
      text, to: saveText, overwrite: overwrite, inputs: inputs, tokenizer: tokenizer)
  }
}
