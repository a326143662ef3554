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

        --in-file joins: sums and counts of files of the same model add, and what MODEL
        learns now is added to them. Without MODEL the files alone are joined.
        --show-statistics says what a file holds: for each tensor the sum of its mean
        squares, their spread, how evenly they are spread, and how they resemble those
        of the layer before.

        --save-every keeps what was learned beside the output, in OUTPUT.state, which
        --resume continues: the file has the same bytes then. --means writes the sums
        of inputs beside those of their squares; llama.cpp reads such a file, too.

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
          weightmill imatrix --in-file english.gguf --in-file chinese.gguf \\
            --output imatrix.gguf
          weightmill imatrix --show-statistics imatrix.gguf
          weightmill quantize f16.gguf q4_k_m.gguf q4_k_m --imatrix imatrix.gguf
        """)

    @Argument(help: "The model's folder or GGUF file.", completion: .file())
    var model: String?

    @OptionGroup var merging: MergeOptions

    @OptionGroup var cutting: PreTokenizerOption

    @OptionGroup var learning: TextOptions

    @Option(
      name: .shortAndLong, help: "The importance matrix to write.",
      completion: .file(extensions: ["gguf"]))
    var output: String?

    @Option(
      help: ArgumentHelp(
        "An importance matrix to add to; may be given several times.", valueName: "file"),
      completion: .file())
    var inFile: [String] = []

    @Option(
      help: ArgumentHelp("Show what an importance matrix holds.", valueName: "file"),
      completion: .file())
    var showStatistics: String?

    @Option(help: "How many windows to read at most (default: all).")
    var chunks: Int?

    @Option(help: ArgumentHelp("How many windows to leave out first.", valueName: "count"))
    var fromChunk = 0

    @Flag(inversion: .prefixedNo, help: "Learn about the output matrix, too.")
    var processOutput = true

    @Flag(help: "Write the sums of inputs, too, beside those of their squares.")
    var means = false

    @Flag(inversion: .prefixedNo, help: "Measure the text's perplexity on the way.")
    var ppl = true

    @Option(
      help: ArgumentHelp(
        "Keep what was learned after so many windows, for --resume (default: never).",
        valueName: "count"))
    var saveEvery: Int?

    @Flag(help: "Go on where an interrupted run has stopped.")
    var resume = false

    @Flag(help: "Replace the output if it exists.")
    var force = false

    @OptionGroup var common: CommonOptions

    func validate() throws {
      guard chunks ?? 1 >= 1 else { throw ValidationError("--chunks must be 1 or more") }
      guard fromChunk >= 0 else { throw ValidationError("--from-chunk must be 0 or more") }
      guard saveEvery ?? 1 >= 1 else { throw ValidationError("--save-every must be 1 or more") }
      if showStatistics != nil {
        guard model == nil, output == nil, inFile.isEmpty, !learning.isGiven else {
          throw ValidationError("--show-statistics takes a file and nothing else")
        }
        return
      }
      guard output != nil else {
        throw ValidationError(
          model == nil && inFile.isEmpty
            ? "give a model that learns from a text, files to join with --in-file, or --show-statistics"
            : "say with --output what to write")
      }
      if model == nil {
        guard !inFile.isEmpty, !learning.isGiven, !merging.merges, !resume, saveEvery == nil else {
          throw ValidationError(
            "give the model that learns, or join importance matrices with --in-file alone")
        }
        guard inFile.count > 1 else { throw ValidationError("--in-file joins two files or more") }
      } else {
        try learning.requireText()
      }
    }

    func run() throws {
      if let showStatistics { return try show(showStatistics) }
      let output = output ?? ""
      guard let model else { return try join(to: output) }
      try learn(model, output)
    }

    /// Prints what a file holds.
    private func show(_ path: String) throws {
      let report = ImatrixStatisticsReport(try ImatrixFile.read(path), path: path)
      common.printNotes(report.notes)
      if common.json { return try JSONOutput.print(report) }
      try StandardOutput.print(report.table)
    }

    /// Reads the files that are joined.
    private func earlierFiles() throws(WeightmillError) -> [(ImportanceMatrix, String)] {
      var files: [(ImportanceMatrix, String)] = []
      for path in inFile { files.append((try ImatrixFile.read(path), path)) }
      return files
    }

    /// Joins files, without a model.
    private func join(to output: String) throws {
      try ImatrixWriter.checkOutput(output, overwrite: force, inputs: inFile)
      let joined = try ImportanceMatrix.joined(earlierFiles())
      common.printNotes(joined.notes)
      let size = try Interruption.during { cancellation in
        try ImatrixWriter.write(
          joined.matrix, to: output, overwrite: force, inputs: inFile, cancellation: cancellation)
      }
      let report = ImatrixJoinReport(
        output: output, bytes: size, files: inFile, matrices: joined.matrix.entries.count,
        windows: joined.matrix.chunkCount, notes: joined.notes)
      if common.json { return try JSONOutput.print(report) }
      try StandardOutput.print(
        "\(printable(output)): \(report.matrices) matrices from \(Text.grouped(report.windows)) windows of "
          + "\(inFile.count) files, \(Text.bytes(size))")
    }

    /// Learns from text.
    private func learn(_ model: String, _ output: String) throws {
      let began = Terminal.seconds()
      let loaded = try ModelLoader.load(cutting.applied(to: merging.request(model)))
      let tokenizer = try loaded.requiredTokenizer()
      let draft = try loadDraft(for: loaded)
      let earlier = try earlierFiles()
      let inputs =
        loaded.files + learning.texts.files + inFile + (draft?.files ?? [])
      try ImatrixWriter.checkOutput(output, overwrite: force, inputs: inputs)
      try learning.selfText.writing.checkText(
        isNot: output, overwrite: force, inputs: inputs, tokenizer)
      let before = loaded.notes + (draft?.notes ?? []) + notesBefore(loaded, draft)
      common.printNotes(before)
      let writing = Writing(writer: draft ?? loaded, inputs: inputs)
      let (read, written) = try readText(loaded, tokenizer, writing)
      let after = notes(read, wroteItself: written != nil)
      common.printNotes(after)
      let sums = try collect(loaded.llama, read, output, inputs)
      let joined = try ImportanceMatrix.joined(earlier + [(sums.matrix(of: read), model)])
      if !earlier.isEmpty { common.printNotes(joined.notes) }
      let size = try Interruption.during { cancellation in
        try ImatrixWriter.write(
          joined.matrix, to: output, overwrite: force, inputs: inputs, cancellation: cancellation)
      }
      if saveEvery != nil || resume { CollectionState.remove(of: output) }
      let report = ImatrixReport(
        output: output, bytes: size, matrices: joined.matrix.entries.count,
        context: learning.context, windows: sums.windows, tokens: read.windows.tokenCount,
        leftOut: read.leftOut, texts: learning.text + learning.tokensFiles, joined: inFile,
        perplexity: sums.perplexity?.value, perplexityError: sums.perplexity?.error,
        perplexityTokens: sums.perplexity?.count, written: written,
        notes: before + after + (earlier.isEmpty ? [] : joined.notes))
      if common.json { return try JSONOutput.print(report) }
      try StandardOutput.print(report.line(seconds: Terminal.seconds() - began))
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
    ) throws(WeightmillError) -> (read: CalibrationText, written: ImatrixReport.Written?) {
      var read = CalibrationText(context: learning.context)
      var written: ImatrixReport.Written?
      // All are read before the model writes, so that what is wrong with one of them is found at once.
      for part in try learning.texts.read(for: model, tokenizer) {
        let (wanted, overflow) = fromChunk.addingReportingOverflow(chunks ?? .max)
        let left = (overflow ? .max : wanted) - read.windows.windows.count
        if let part {
          read.add(part)
        } else if left > 0 {
          written = try write(atMost: left, tokenizer, writing, to: &read)
        }
      }
      read.drop(first: fromChunk)
      if let chunks { read.keep(first: chunks) }
      return (read, written)
    }

    /// Lets the model write, keeps the text if that is asked for, and says how it went.
    private func write(
      atMost windows: Int, _ tokenizer: ModelTokenizer, _ writing: Writing,
      to read: inout CalibrationText
    ) throws(WeightmillError) -> ImatrixReport.Written {
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
      let report = ImatrixReport.Written(
        tokens: written.windows.count * learning.context, windows: written.windows.count,
        texts: written.texts.count, sideBySide: written.windowsSideBySide,
        start: written.start, seed: options.seed, seconds: seconds,
        tokensPerSecond: Double(written.windows.count * learning.context) / max(seconds, 1e-9),
        draft: learning.selfText.writing.draft, savedAs: learning.selfText.writing.saveText)
      if !common.json { try StandardOutput.print(report.line) }
      return report
    }

    private func collect(
      _ model: LlamaModel, _ read: CalibrationText, _ output: String, _ inputs: [String]
    ) throws -> ImportanceSums {
      var collector = ImportanceCollector(
        model, includesOutput: processOutput, workers: common.workers)
      collector.gathersMeans = means
      collector.measuresPerplexity = ppl
      let origin = try CollectionState.Origin(
        model, read, includesOutput: processOutput, gathersMeans: means, measuresPerplexity: ppl)
      let place = CollectionState.path(of: output)
      var continuation = ImportanceCollector.Continuation()
      if resume {
        continuation.earlier = try CollectionState.resume(place, origin)
        common.printNotes([
          continuation.earlier.map {
            "\($0.windows) of \(read.windows.windows.count) windows were read already"
          } ?? "there was nothing to continue; all windows are read"
        ])
      } else if Folder.isFolder(place) == false {
        common.printNotes([
          "an interrupted run left \(place); --resume continues it, or remove it"
        ])
      }
      if resume || saveEvery != nil {
        continuation.interval = saveEvery ?? .max
        continuation.save = { (sums) throws(WeightmillError) in
          try CollectionState(origin, sums).write(to: place, inputs: inputs)
        }
      }
      continuation.output = output
      do {
        return try gather(read, with: collector, continuation)
      } catch let error as WeightmillError where error.code == .interrupted {
        if Folder.isFolder(place) == false {
          common.printNotes(["\(place) has what was learned by then; --resume goes on from there"])
        }
        throw error
      }
    }

    private func gather(
      _ read: CalibrationText, with collector: ImportanceCollector,
      _ continuation: ImportanceCollector.Continuation
    ) throws -> ImportanceSums {
      let line = ProgressLine("learning", options: common)
      var continuation = continuation
      return try Interruption.during { cancellation in
        defer { line.finish() }
        continuation.cancellation = cancellation
        return try collector.gather(read, continuation) { share, perplexity in
          line.update(
            share: share, perplexity?.value.map { "perplexity \(Text.significant($0))" } ?? "")
        }
      }
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
  }
}
