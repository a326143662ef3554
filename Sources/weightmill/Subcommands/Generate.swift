import ArgumentParser
import Conversion
import LLaMA
import Presentation
import Tensors
import Tokenization

extension WeightmillCommand {
  /// `weightmill generate`: a few tokens from the reference forward pass.
  struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "generate",
      abstract: "Continue a text with the most likely tokens, to see that a model talks sense.",
      discussion: """
        This is the reference forward pass that verify-logits uses: exact, streaming, and slow.

        EXAMPLES
          weightmill generate ziya-q4_0.gguf --prompt $'<human>:你好\\n<bot>:'
        """)

    @Argument(help: "The model's folder or GGUF file.", completion: .file())
    var model: String

    @OptionGroup var merging: MergeOptions

    @Option(name: .shortAndLong, help: "The text to continue.")
    var prompt: String

    @Option(name: .shortAndLong, help: "How many tokens to add.")
    var count = 16

    @OptionGroup var common: CommonOptions

    func validate() throws {
      guard (1...4096).contains(count) else {
        throw ValidationError("--count must be from 1 to 4096")
      }
      guard !prompt.isEmpty else { throw ValidationError("--prompt is empty") }
    }

    func run() throws {
      let loaded = try ModelLoader.load(merging.request(model))
      common.printNotes(loaded.notes)
      let vocabulary = try loaded.requiredVocabulary()
      let tokenizer = Tokenizer(vocabulary)
      let ids = tokenizer.encode(prompt, parsesControl: true)
      let pass = ForwardPass(loaded.llama, workers: common.workers)
      let new = try pass.continuation(of: ids, count: count, end: vocabulary.special.eos)
      let text = tokenizer.decode(new, atStart: false)
      if common.json { return try JSONOutput.print(Report(prompt: ids, ids: new, text: text)) }
      print(Text.safeLines(prompt + text))
    }

    private struct Report: Encodable {
      let prompt: [Int]
      let ids: [Int]
      let text: String
    }
  }
}
