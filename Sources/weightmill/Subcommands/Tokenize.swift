import ArgumentParser
import WeightmillModels
import WeightmillPresentation
import WeightmillTensors
import WeightmillTokenization

extension Subcommands {
  /// `weightmill tokenize`: a text's token ids.
  struct Tokenize: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "tokenize",
      abstract: "Show the tokens of a text.",
      discussion: """
        EXAMPLES
          weightmill tokenize ziya-f16.gguf $'<human>:你好\\n<bot>:'
        """)

    @Argument(
      help: "The model's folder, GGUF file, tokenizer.model or tokenizer.json.", completion: .file()
    )
    var model: String

    @Argument(help: "The text.")
    var text: String

    @Flag(help: "Take <s> and </s> in the text for the tokens of that name.")
    var parseSpecial = false

    @Flag(help: "Add no BOS, nor anything else around the text.")
    var noBos = false

    @OptionGroup var common: CommonOptions

    func run() throws {
      let tokenizer = try ModelLoader.tokenizer(model)
      let ids = try tokenizer.encode(text, parsesControl: parseSpecial, addsSpecial: !noBos)
      if common.json { return try JSONOutput.print(["ids": ids]) }
      let rows = ids.map { ["\($0)", quoted(tokenizer.vocabulary.tokens[$0].text)] }
      try StandardOutput.print(Text.table(rows, alignments: [.right, .left]))
    }
  }
}
