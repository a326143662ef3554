import ArgumentParser
import WeightmillVerification

/// What models are compared on.
struct EvaluationOptions: ParsableArguments {
  @Option(
    help: "A UTF-8 text file; may be given several times, each is reported by itself, too.",
    completion: .file())
  var text: [String] = []

  @Option(help: "A text, instead of a file.")
  var prompt: String?

  @Option(
    name: .customLong("tokens"),
    help: ArgumentHelp(
      "A JSON file with ids: a list, or a list of lists; may be given several times.",
      discussion: """
        The ids are judged as they are: a list that is longer than a window is cut, and no BOS \
        is put into it.
        """, valueName: "tokens"),
    completion: .file(extensions: ["json"])
  )
  var tokensFiles: [String] = []

  @Option(help: "How many tokens a window holds.")
  var context = 512

  @Flag(
    help: ArgumentHelp(
      "Judge only the second half of each whole window, as llama-perplexity does.",
      discussion: "The figures are then comparable with its printout."))
  var secondHalf = false

  func validate() throws {
    guard context >= 2, context <= 1 << 20 else {
      throw ValidationError("--context must be from 2 to 1048576")
    }
    if !tokensFiles.isEmpty, !text.isEmpty || prompt != nil {
      throw ValidationError("--tokens cannot be combined with --text or --prompt")
    }
  }

  /// What was given; texts are read when the models are open.
  var input: EvaluationInput {
    var sources = text.map(EvaluationInput.Source.textFile)
    if let prompt { sources.append(.text(prompt, name: "prompt")) }
    sources += tokensFiles.map(EvaluationInput.Source.tokenFile)
    return EvaluationInput(sources, context: context, isSecondHalf: secondHalf)
  }
}
