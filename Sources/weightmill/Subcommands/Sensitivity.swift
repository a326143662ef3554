import ArgumentParser
import WeightmillAllocation
import WeightmillCalibration
import WeightmillConversion
import WeightmillFeedback
import WeightmillLLaMA
import WeightmillModels
import WeightmillOutput
import WeightmillPresentation
import WeightmillQuantization
import WeightmillTensors

extension Subcommands {
  /// `weightmill sensitivity`: what each type costs each matrix of a model, measured by text.
  struct Sensitivity: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "sensitivity",
      abstract: "Measure what each type costs each matrix, for the best file of any size.",
      discussion: """
        Runs text through the model, and through models in which one matrix each is
        quantized, and writes how far the predictions move. `quantize` and `convert`
        then choose the types that cost least in a given size: --target-size,
        --target-bpw, --like. One file serves every size.

        It takes a hundred times what the sampled tokens take in the model alone:
        minutes for a small model, hours for 13B; the time is said before it begins.
        What is measured is kept as it goes: --resume goes on after an interruption.
        --html shows what files of every size lose, the mixes' beside the best, and
        which types they have; with --resume also of what was measured before.

        Importance guides the encoders, as it will when the file is written: that of
        --imatrix, or else what the whole text gives, which --save-imatrix keeps.
        Take text of several kinds, 8,000 tokens or more; self is what the model
        writes itself.

        EXAMPLES
          weightmill sensitivity ziya-f16.gguf --text sample.txt \\
            --output ziya.sensitivity
          weightmill sensitivity llama-13b --delta Ziya-LLaMA-13B-v1 \\
            --text english.txt --text chinese.txt --imatrix imatrix.gguf \\
            --output ziya.sensitivity --resume --html ziya.html
          weightmill quantize ziya-f16.gguf ziya.gguf --target-size 7.9GB \\
            --sensitivity ziya.sensitivity --imatrix imatrix.gguf
        """)

    @Argument(help: "The model's folder or GGUF file.", completion: .file())
    var model: String

    @OptionGroup var merging: MergeOptions

    @OptionGroup var cutting: PreTokenizerOption

    @OptionGroup var learning: TextOptions

    @Option(name: .shortAndLong, help: "The file of sensitivities to write.", completion: .file())
    var output: String

    @Option(
      help: ArgumentHelp(
        "A file that says how much each column of each matrix matters (default: learnt from the text).",
        valueName: "file"), completion: .file())
    var imatrix: String?

    @Option(
      help: ArgumentHelp(
        "Keep the importance that the text gives, as `weightmill imatrix` writes it.",
        valueName: "file"),
      completion: .file(extensions: ["gguf"]))
    var saveImatrix: String?

    @OptionGroup var page: SensitivityPageOptions

    @OptionGroup var trying: TriedTypesOption

    @Option(
      help: ArgumentHelp(
        "By how many of the text's tokens each matrix is measured: the beginnings of some windows.",
        valueName: "count"))
    var sample = SensitivityRun.usualSample

    @Flag(help: "Go on where an interrupted run has stopped.")
    var resume = false

    @Flag(help: "Say what it will take, and measure nothing.")
    var dryRun = false

    @Flag(help: "Replace files that exist.")
    var force = false

    @OptionGroup var common: CommonOptions

    func validate() throws {
      try learning.requireText()
      guard (1...1 << 24).contains(sample) else {
        throw ValidationError("--sample must be from 1 to \(1 << 24)")
      }
      if saveImatrix != nil, imatrix != nil {
        throw ValidationError("--save-imatrix and --imatrix exclude each other")
      }
      guard !common.json || !page.isPrinted else {
        throw ValidationError("--json and a page cannot both go to standard output")
      }
    }

    func run() throws {
      let began = Terminal.seconds()
      let loaded = try ModelLoader.load(cutting.applied(to: merging.request(model)))
      let tokenizer = try loaded.requiredTokenizer()
      let reading = TextReading(
        texts: learning.texts, writing: learning.selfText.writing,
        options: learning.selfText.options, common: common)
      let inputs = loaded.files + reading.files + [imatrix].compactMap(\.self)
      let earlier = resume ? try self.earlier() : nil
      try OutputFile.check(output, overwrite: force || resume, inputs: inputs)
      if let saveImatrix {
        try ImatrixWriter.checkOutput(saveImatrix, overwrite: force, inputs: inputs)
        try OutputFile.check(saveImatrix, isNot: output)
      }
      try learning.selfText.writing.checkText(
        isNot: output, overwrite: force, inputs: inputs, tokenizer)
      try page.check(
        for: loaded, overwrite: force, inputs: inputs,
        outputs: [output, saveImatrix, learning.selfText.writing.saveText].compactMap(\.self))
      common.printNotes(loaded.notes)
      if dryRun { return try sayCost(loaded, reading) }
      let read = try reading.read(for: loaded, overwrite: force, inputs: inputs)
      let measuring = try SensitivityMeasuring(
        model: try loaded.llama.inGGUFOrder(), text: try measured(read, loaded),
        importance: try imatrix.map { (path) throws(WeightmillError) in try ImatrixFile.read(path)
        },
        types: trying.types, common: common)
      if let saveImatrix, let learnt = measuring.learnt {
        _ = try ImatrixWriter.write(
          learnt, to: saveImatrix, overwrite: force, inputs: inputs, cancellation: Cancellation())
      }
      let found = try measuring.measure(resuming: earlier) { (found) throws(WeightmillError) in
        try SensitivityFile.write(found, to: output, overwrite: true, inputs: inputs)
      }
      try page.write(
        found, of: loaded, at: model,
        guidedBy: ImportanceSelection(
          measuring.importance, path: imatrix ?? learning.texts.files.first ?? model),
        overwrite: force, inputs: inputs)
      if !page.isPrinted { try report(found, seconds: Terminal.seconds() - began) }
    }

    /// What an interrupted run has left, if there is something.
    private func earlier() throws(WeightmillError) -> Sensitivities? {
      do throws(WeightmillError) {
        return try SensitivityFile.read(output)
      } catch {
        guard error.code == .noInput else { throw error }
        return nil
      }
    }

    private func measured(
      _ text: CalibrationText, _ model: LoadedModel
    ) throws(WeightmillError) -> SensitivityText {
      try SensitivityText(
        text, sample: sample, for: model, orElse: "give more text, or a smaller --context")
    }

    private func sayCost(_ loaded: LoadedModel, _ reading: TextReading) throws {
      let text = try measured(try reading.planned(for: loaded), loaded)
      common.printNotes([
        try SensitivityMeasuring.words(
          for: try loaded.llama.inGGUFOrder(), text, types: trying.types, common)
      ])
    }

    private func report(_ found: Sensitivities, seconds: Double) throws {
      if common.json { return try JSONOutput.print(SensitivityReport(found, output: output)) }
      try StandardOutput.print(SensitivityReport(found, output: output).table)
      try StandardOutput.print(
        "\(printable(output)): \(found.matrices.count) matrices, \(found.origin.types.count) types, "
          + "by \(Text.grouped(found.origin.sample)) tokens each, in \(Text.fixed(seconds, 2)) s")
    }
  }
}

/// What `sensitivity` says.
private struct SensitivityReport: Encodable {
  struct Kind: Encodable {
    let name: String
    let matrices: Int
    let weights: Int
    let divergence: Double
    let share: Double
  }

  struct Uniform: Encodable {
    let type: String
    let divergence: Double
  }

  let output: String
  let tokens: Int
  let kinds: [Kind]
  let uniform: [Uniform]

  init(_ found: Sensitivities, output: String) {
    self.output = output
    tokens = found.origin.sample
    uniform = found.uniform.map { .init(type: $0.type.name, divergence: $0.divergence) }
    kinds = found.kinds.map { kind in
      Kind(
        name: kind.name, matrices: kind.matrices, weights: kind.weights,
        divergence: kind.divergence, share: kind.share)
    }
  }

  /// The same for people.
  var table: String {
    let heads = [["matrices", "number", "weights", "divergence", "share"]]
    let rows = kinds.map { kind in
      [
        kind.name, "\(kind.matrices)", Text.grouped(kind.weights),
        Text.significant(kind.divergence), Text.percent(kind.share),
      ]
    }
    return Text.table(heads + rows, alignments: [.left, .right, .right, .right, .right])
  }
}
