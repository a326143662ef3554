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
        printed. The template is not run: its format is recognised by its text. One
        that is not known is an error. Of several templates --chat-template names
        the one to take. --system goes before the question. A file of
        --conversation holds a list of messages, each with a role (system, user or
        assistant) and its content; the last is the user's.

        EXAMPLES
          weightmill generate ziya-q4_0.gguf --chat --prompt '帮我写一份去西安的旅游计划'
          weightmill generate ziya-q4_0.gguf --prompt 'The gradient' --temperature 0
          weightmill generate ziya-q4_0.gguf --system 'Be brief.' --prompt 'Why?'
          weightmill generate ziya-q4_0.gguf --conversation talk.json
        """)

    @Argument(help: "The model's folder or GGUF file.", completion: .file())
    var model: String

    @OptionGroup var merging: MergeOptions

    @OptionGroup var cutting: PreTokenizerOption

    @OptionGroup var question: ChatOptions

    @OptionGroup var sampling: SamplingOptions

    @OptionGroup var common: CommonOptions

    func run() throws {
      let conversation = try question.asked()
      let loaded = try ModelLoader.load(cutting.applied(to: merging.request(model)))
      common.printNotes(loaded.notes)
      let tokenizer = try loaded.requiredTokenizer()
      var text = question.prompt ?? ""
      if let conversation {
        let template = try loaded.requiredChatTemplate(named: question.chatTemplate)
        common.printNotes(template.notes)
        text = try template.prompt(conversation)
      }
      let ids =
        conversation == nil
        ? try tokenizer.encode(text, parsesControl: true) : try ChatTemplate.encode(text, tokenizer)
      var answer = try Answer(
        tokenizer, prompt: ids, of: text, settings: sampling.settings, isShown: !common.json)
      if conversation == nil { try answer.show(text) }
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
