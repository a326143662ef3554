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
          weightmill tokenize ziya-f16.gguf --lines sample.txt --json
        """)

    @Argument(
      help: "The model's folder, GGUF file, tokenizer.model, tokenizer.json or tekken.json.",
      completion: .file()
    )
    var model: String

    @Argument(help: "The text.")
    var text: String?

    @Option(
      help: ArgumentHelp(
        "Take each line of this file, which ends with a line feed, for a text by itself.",
        valueName: "file"), completion: .file())
    var lines: String?

    @Flag(help: "Take <s> and </s> in the text for the tokens of that name.")
    var parseSpecial = false

    @Flag(help: "Add no BOS, nor anything else around the text.")
    var noBos = false

    @OptionGroup var cutting: PreTokenizerOption

    @OptionGroup var common: CommonOptions

    func validate() throws {
      guard (text == nil) == (lines == nil) else { return }
      throw ValidationError("give a text, or a file of them with --lines")
    }

    func run() throws {
      let tokenizer = try ModelLoader.tokenizer(model, cutAsIn: cutting.name)
      if let text { try show(encode(text, tokenizer), tokenizer) }
      if let lines { try showLines(of: TextInput.text(lines), tokenizer) }
    }

    private func encode(_ text: String, _ tokenizer: ModelTokenizer) throws -> [Int] {
      try tokenizer.encode(text, parsesControl: parseSpecial, addsSpecial: !noBos)
    }

    /// Prints a line of ids for each line of a text; what follows the last line feed is one if it is
    /// not empty.
    private func showLines(of text: String, _ tokenizer: ModelTokenizer) throws {
      var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      if lines.last?.isEmpty == true { lines.removeLast() }
      let ids = try lines.map { try encode(String(Substring($0)), tokenizer) }
      if common.json { return try JSONOutput.print(["lines": ids]) }
      for line in ids { try StandardOutput.print(line.map(String.init).joined(separator: " ")) }
    }

    private func show(_ ids: [Int], _ tokenizer: ModelTokenizer) throws {
      if common.json { return try JSONOutput.print(["ids": ids]) }
      let rows = ids.map { ["\($0)", quoted(tokenizer.vocabulary.tokens[$0].text)] }
      try StandardOutput.print(Text.table(rows, alignments: [.right, .left]))
    }
  }
}
