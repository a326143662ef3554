import ArgumentParser
import WeightmillCalibration
import WeightmillLLaMA
import WeightmillModels
import WeightmillPresentation
import WeightmillQuantization
import WeightmillTensors
import WeightmillTokenization

extension Subcommands {
  /// `weightmill imatrix`: how much each input of each matrix matters, learned from text.
  struct Imatrix: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "imatrix",
      abstract: "Learn from text which weights matter, for better quantization.",
      discussion: """
        Runs the model over the text and writes, for each column of each matrix of its
        layers, the sum of the squared inputs: an importance matrix in llama.cpp's GGUF
        format, which llama-quantize takes, too.

        The text is cut into windows of --context tokens that begin with BOS, as in
        llama-imatrix; tokens at the end of a file that do not fill a window are left
        out. Take text like that for which the model will be used, and none that you
        will judge it by.

        EXAMPLES
          weightmill imatrix ziya-f16.gguf --text sample.txt --output imatrix.gguf
          weightmill imatrix llama-13b --delta Ziya-LLaMA-13B-v1 \\
            --text english.txt --text chinese.txt --chunks 200 --output imatrix.gguf
          weightmill quantize f16.gguf q4_k_m.gguf q4_k_m --imatrix imatrix.gguf
        """)

    @Argument(help: "The model's folder or GGUF file.", completion: .file())
    var model: String

    @OptionGroup var merging: MergeOptions

    @OptionGroup var cutting: PreTokenizerOption

    @Option(help: "A UTF-8 text file; may be given several times.", completion: .file())
    var text: [String]

    @Option(
      name: .shortAndLong, help: "The importance matrix to write.",
      completion: .file(extensions: ["gguf"]))
    var output: String

    @Option(help: "How many tokens a window holds.")
    var context = 512

    @Option(help: "How many windows to read at most (default: all).")
    var chunks: Int?

    @Flag(inversion: .prefixedNo, help: "Learn about the output matrix, too.")
    var processOutput = true

    @Flag(help: "Replace the output if it exists.")
    var force = false

    @OptionGroup var common: CommonOptions

    func validate() throws {
      guard !text.isEmpty else { throw ValidationError("give a text with --text") }
      guard context >= 2, context <= 1 << 20 else {
        throw ValidationError("--context must be from 2 to 1048576")
      }
      guard chunks ?? 1 >= 1 else { throw ValidationError("--chunks must be 1 or more") }
    }

    func run() throws {
      let began = Terminal.seconds()
      let loaded = try ModelLoader.load(cutting.applied(to: merging.request(model)))
      let inputs = loaded.files + text
      try ImatrixWriter.checkOutput(output, overwrite: force, inputs: inputs)
      let read = try readText(try loaded.requiredTokenizer())
      let notes = loaded.notes + self.notes(loaded.llama, read)
      common.printNotes(notes)
      let matrix = try collect(loaded.llama, read)
      let size = try Interruption.during { cancellation in
        try ImatrixWriter.write(
          matrix, to: output, overwrite: force, inputs: inputs, cancellation: cancellation)
      }
      let report = Report(
        output: output, bytes: size, matrices: matrix.entries.count, context: context,
        windows: read.windows.windows.count, tokens: read.windows.tokenCount,
        leftOut: read.leftOut, texts: text, notes: notes)
      if common.json { return try JSONOutput.print(report) }
      try StandardOutput.print(
        "\(printable(output)): \(matrix.entries.count) matrices from \(report.windows) windows of "
          + "\(context) tokens, \(Text.bytes(size)) "
          + "in \(Text.fixed(Terminal.seconds() - began, 2)) s")
    }

    private func readText(_ tokenizer: ModelTokenizer) throws(WeightmillError) -> CalibrationText {
      var read = CalibrationText(context: context)
      for path in text { try read.add(try TextInput.text(path), from: path, tokenizer: tokenizer) }
      if let chunks { read.keep(first: chunks) }
      return read
    }

    private func collect(
      _ model: LlamaModel, _ read: CalibrationText
    ) throws(WeightmillError) -> ImportanceMatrix {
      let line = ProgressLine("learning", options: common)
      defer { line.finish() }
      return try ImportanceCollector(
        model, includesOutput: processOutput, workers: common.workers
      ).run(read) { line.update(share: $0) }
    }

    private func notes(_ model: LlamaModel, _ read: CalibrationText) -> [String] {
      var notes: [String] = []
      let trained = model.configuration.contextLength
      if context > trained {
        notes.append(
          "the model was trained on \(trained) tokens at once: windows of \(context) say little")
      }
      if read.leftOut > 0, !read.windows.windows.isEmpty {
        notes.append(
          "left out: \(Text.grouped(read.leftOut)) tokens at the end of texts, which fill no window"
        )
      }
      return notes
    }

    private struct Report: Encodable {
      let output: String
      let bytes: Int
      let matrices: Int
      let context: Int
      let windows: Int
      let tokens: Int
      let leftOut: Int
      let texts: [String]
      let notes: [String]
    }
  }
}
