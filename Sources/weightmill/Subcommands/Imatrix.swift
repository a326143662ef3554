import ArgumentParser
import WeightmillCalibration
import WeightmillLLaMA
import WeightmillModels
import WeightmillOutput
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

        --text self lets the model write the text: its own tokens, drawn by their
        probabilities at temperature 1, many windows side by side. The same --seed
        gives the same text. It can be mixed with files; a file of that name is
        ./self. --save-text keeps it: words, or the ids as JSON, which --tokens-file
        reads again.

        A model that is larger than memory would be read from the disk for every step
        of the text. Let a quantized file of it write: --draft. For 13B: quantize to
        q4_k_m, which takes 8 GB, and give that file with --draft and --memory 6GiB
        (0.8 GB for each window of 512 tokens); the model itself is then read once for
        every 1024 tokens that it learns from.

        EXAMPLES
          weightmill imatrix ziya-f16.gguf --text sample.txt --output imatrix.gguf
          weightmill imatrix llama-13b --delta Ziya-LLaMA-13B-v1 \\
            --text english.txt --text chinese.txt --chunks 200 --output imatrix.gguf
          weightmill imatrix ziya-f16.gguf --text self --save-text self.json \\
            --output imatrix.gguf
          weightmill imatrix ziya-f16.gguf --text self --text sample.txt \\
            --draft ziya-q4_k_m.gguf --memory 6GiB --output imatrix.gguf
          weightmill quantize f16.gguf q4_k_m.gguf q4_k_m --imatrix imatrix.gguf
        """)

    @Argument(help: "The model's folder or GGUF file.", completion: .file())
    var model: String

    @OptionGroup var merging: MergeOptions

    @OptionGroup var cutting: PreTokenizerOption

    @OptionGroup var learning: TextOptions

    @Option(
      name: .shortAndLong, help: "The importance matrix to write.",
      completion: .file(extensions: ["gguf"]))
    var output: String

    @Option(help: "How many windows to read at most (default: all).")
    var chunks: Int?

    @Flag(inversion: .prefixedNo, help: "Learn about the output matrix, too.")
    var processOutput = true

    @Flag(help: "Replace the output if it exists.")
    var force = false

    @OptionGroup var common: CommonOptions

    func validate() throws {
      guard chunks ?? 1 >= 1 else { throw ValidationError("--chunks must be 1 or more") }
    }

    func run() throws {
      let began = Terminal.seconds()
      let loaded = try ModelLoader.load(cutting.applied(to: merging.request(model)))
      let tokenizer = try loaded.requiredTokenizer()
      let draft = try loadDraft(for: loaded)
      let inputs =
        loaded.files + learning.texts.files + (draft?.files ?? [])
      try ImatrixWriter.checkOutput(output, overwrite: force, inputs: inputs)
      try learning.selfText.writing.checkText(
        isNot: output, overwrite: force, inputs: inputs, tokenizer)
      let before = loaded.notes + (draft?.notes ?? []) + notesBefore(loaded, draft)
      common.printNotes(before)
      let writing = Writing(writer: draft ?? loaded, inputs: inputs)
      let (read, written) = try readText(loaded, tokenizer, writing)
      let after = notes(read, wroteItself: written != nil)
      common.printNotes(after)
      let matrix = try collect(loaded.llama, read)
      let size = try Interruption.during { cancellation in
        try ImatrixWriter.write(
          matrix, to: output, overwrite: force, inputs: inputs, cancellation: cancellation)
      }
      let report = Report(
        output: output, bytes: size, matrices: matrix.entries.count, context: learning.context,
        windows: read.windows.windows.count, tokens: read.windows.tokenCount,
        leftOut: read.leftOut, texts: learning.text + learning.tokensFiles, written: written,
        notes: before + after)
      if common.json { return try JSONOutput.print(report) }
      try StandardOutput.print(
        "\(printable(output)): \(matrix.entries.count) matrices from \(report.windows) windows of "
          + "\(learning.context) tokens, \(Text.bytes(size)) "
          + "in \(Text.fixed(Terminal.seconds() - began, 2)) s")
    }

    /// Who writes, and what no output may replace.
    private struct Writing {
      let writer: LoadedModel
      let inputs: [String]
    }

    /// The model that writes in place of the one that learns.
    private func loadDraft(for model: LoadedModel) throws(WeightmillError) -> LoadedModel? {
      guard let path = learning.selfText.writing.draft else { return nil }
      let draft = try ModelLoader.load(cutting.applied(to: ModelRequest(path)))
      try SelfWrittenText.check(draft: draft, for: model)
      return draft
    }

    private func readText(
      _ model: LoadedModel, _ tokenizer: ModelTokenizer, _ writing: Writing
    ) throws(WeightmillError) -> (read: CalibrationText, written: WrittenReport?) {
      var read = CalibrationText(context: learning.context)
      var written: WrittenReport?
      // All are read before the model writes, so that what is wrong with one of them is found at once.
      for part in try learning.texts.read(for: model, tokenizer) {
        let left = (chunks ?? .max) - read.windows.windows.count
        if let part {
          read.add(part)
        } else if left > 0 {
          written = try write(atMost: left, tokenizer, writing, to: &read)
        }
      }
      if let chunks { read.keep(first: chunks) }
      return (read, written)
    }

    /// Lets the model write, keeps the text if that is asked for, and says how it went.
    private func write(
      atMost windows: Int, _ tokenizer: ModelTokenizer, _ writing: Writing,
      to read: inout CalibrationText
    ) throws(WeightmillError) -> WrittenReport {
      var options = learning.selfText.options
      let (most, overflow) = windows.multipliedReportingOverflow(by: learning.context)
      if !overflow { options.tokens = min(options.tokens, most) }
      let began = Terminal.seconds()
      let written = try learning.selfText.writing.compose(
        by: writing.writer.llama, tokenizer, context: learning.context, options, common)
      let seconds = Terminal.seconds() - began
      try learning.selfText.writing.keep(
        written, overwrite: force, inputs: writing.inputs, tokenizer)
      read.add(written)
      let report = WrittenReport(
        tokens: written.windows.count * learning.context, windows: written.windows.count,
        texts: written.texts.count, sideBySide: written.windowsSideBySide,
        start: written.start, seed: options.seed, seconds: seconds,
        tokensPerSecond: Double(written.windows.count * learning.context) / max(seconds, 1e-9),
        draft: learning.selfText.writing.draft, savedAs: learning.selfText.writing.saveText)
      if !common.json { try StandardOutput.print(report.line) }
      return report
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

    /// What is known before anything is written or read.
    private func notesBefore(_ model: LoadedModel, _ draft: LoadedModel?) -> [String] {
      var notes: [String] = []
      let trained = model.llama.configuration.contextLength
      if learning.context > trained {
        notes.append(
          "the model was trained on \(trained) tokens at once: windows of \(learning.context) say little"
        )
      }
      guard learning.texts.includesSelf, let tokenizer = model.tokenizer else {
        return notes
      }
      let vocabulary = tokenizer.vocabulary
      if let start = vocabulary.textStart, vocabulary.special.addedBOS == nil {
        notes.append(
          "the vocabulary adds no BOS: texts that the model writes begin with "
            + "\(quoted(vocabulary.tokens[start].text, limit: 20)) (id \(start)), which stands "
            + "between texts")
      }
      let (size, memory) = (
        (draft ?? model).llama.catalogue.byteCount, CommonOptions.physicalMemory
      )
      if size > memory {
        notes.append(
          "\(draft == nil ? "the model" : "the draft") has \(Text.bytes(size)), this machine "
            + "\(Text.bytes(memory)) of memory: every step of the text reads it from the disk; "
            + "give a smaller file of the model with --draft")
      }
      return notes
    }

    private func notes(_ read: CalibrationText, wroteItself: Bool) -> [String] {
      var notes: [String] = []
      if learning.texts.includesSelf, !wroteItself {
        notes.append(
          "the model wrote nothing: the texts before --text self have the windows of --chunks")
      }
      if read.leftOut > 0, !read.windows.windows.isEmpty {
        notes.append(
          "left out: \(Text.grouped(read.leftOut)) tokens at the end of texts, which fill no window"
        )
      }
      return notes
    }

    /// What the model has written itself.
    private struct WrittenReport: Encodable {
      let tokens: Int
      let windows: Int
      let texts: Int
      let sideBySide: Int
      let start: Int
      let seed: UInt64
      let seconds: Double
      let tokensPerSecond: Double
      let draft: String?
      let savedAs: String?

      /// The same in words.
      var line: String {
        let place = savedAs.map { "\(printable($0)): " } ?? ""
        return
          "\(place)\(Text.grouped(tokens)) tokens of \(Text.grouped(texts)) texts that "
          + "\(draft.map { "\(printable($0)) wrote" } ?? "the model wrote"), "
          + "\(Text.grouped(sideBySide)) window\(sideBySide == 1 ? "" : "s") side by side, "
          + "\(Text.significant(tokensPerSecond)) tokens a second, \(Text.fixed(seconds, 2)) s"
      }
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
      let written: WrittenReport?
      let notes: [String]
    }
  }
}
