import ArgumentParser
import WeightmillLLaMA
import WeightmillModels
import WeightmillPresentation
import WeightmillTensors
import WeightmillTokenization

extension Subcommands {
  /// `weightmill generate`: the model talks.
  struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "generate",
      abstract: "Continue a text, to see that a model talks sense.",
      discussion: """
        The text appears as it grows. Tokens are drawn as Ziya's model card says:
        temperature 1, the most likely ones that make up 85 %. The same seed gives
        the same text; --temperature 0 always takes the most likely token.

        With --chat the prompt is a question, written as the model's chat template
        has it (Ziya's: <human>:PROMPT, newline, <bot>:), and only the answer is
        printed.

        EXAMPLES
          weightmill generate ziya-q4_0.gguf --chat --prompt '帮我写一份去西安的旅游计划'
          weightmill generate ziya-q4_0.gguf --prompt 'The gradient' --temperature 0
        """)

    @Argument(help: "The model's folder or GGUF file.", completion: .file())
    var model: String

    @OptionGroup var merging: MergeOptions

    @OptionGroup var cutting: PreTokenizerOption

    @Option(name: .shortAndLong, help: "The text to continue, or the question.")
    var prompt: String

    @Flag(help: "Ask the prompt as a question, by the model's chat template.")
    var chat = false

    @OptionGroup var sampling: SamplingOptions

    @OptionGroup var common: CommonOptions

    func validate() throws {
      guard !prompt.isEmpty else { throw ValidationError("--prompt is empty") }
    }

    func run() throws {
      let loaded = try ModelLoader.load(cutting.applied(to: merging.request(model)))
      common.printNotes(loaded.notes)
      let tokenizer = try loaded.requiredTokenizer()
      let text = chat ? try loaded.requiredChatTemplate().prompt(prompt) : prompt
      let ids = try tokenizer.encode(text, parsesControl: true)
      var answer = try Answer(
        tokenizer, prompt: ids, settings: sampling.settings, isShown: !common.json)
      if !chat { try answer.show(text) }
      var continuation = Continuation(
        ForwardPass(loaded.llama, workers: common.workers), sampling.settings)
      let ending = try Interruption.during { (cancellation) throws(WeightmillError) in
        try continuation.run(
          ids, count: sampling.limit, ends: tokenizer.vocabulary.ends
        ) { (id) throws(WeightmillError) in
          try answer.append(id)
          return !cancellation.isCancelled
        }
      }
      try answer.finish(ending)
      if common.json { try JSONOutput.print(try answer.report(ending)) }
      if ending == .interrupted { throw ExitCode(WeightmillError.Code.interrupted.exitCode) }
    }
  }
}
