import ArgumentParser
import WeightmillCalibration
import WeightmillConversion
import WeightmillFeedback
import WeightmillModels
import WeightmillTensors
import WeightmillTokenization

extension Subcommands {
  /// `weightmill quantize`: a GGUF file to one with other types.
  struct Quantize: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "quantize",
      abstract: "Write a GGUF file anew with smaller types.",
      usage: "weightmill quantize <input> [<output>] <type> [<options>]",
      discussion: """
        Types and options have llama-quantize's names. Without OUTPUT, the file is
        ggml-model-TYPE.gguf beside the input. Of a split input any part may be named;
        one file is written, or with --keep-split one for each part.

        Some types with less than 3 bits require an imatrix: see `weightmill imatrix`.

        EXAMPLES
          weightmill quantize ziya-f16.gguf ziya-q4_k_m.gguf q4_k_m
          weightmill quantize ziya-f16.gguf ziya-q8_0.gguf q8_0 --dry-run
          weightmill quantize ziya-f16.gguf small.gguf iq3_xxs --imatrix ziya.imatrix
          weightmill quantize ziya-f16.gguf mixed.gguf q4_k_m \\
            --tensor-type 'blk\\.[0-3]\\.ffn_down=q8_0' --output-tensor-type f16
        """)

    @Argument(
      help: "The GGUF file to read, or one of a split one.", completion: .file(extensions: ["gguf"])
    )
    var input: String

    @Argument(
      help: "The GGUF file to write (default: ggml-model-TYPE.gguf beside the input).",
      completion: .file(extensions: ["gguf"]))
    var output: String

    @Argument(help: "The type of the matrices; copy keeps all types.")
    var type: Types?

    @OptionGroup var types: TypeOptions

    @Option(help: "Text.", completion: .file())
    var calibrate: [String] = []

    @Option(help: "Ids.", completion: .file())
    var calibrationIds: [String] = []

    @OptionGroup var splitting: SplitOptions

    @OptionGroup var writing: OutputOptions

    @OptionGroup var common: CommonOptions

    func validate() throws {
      guard let target else {
        throw ValidationError("\(quoted(output)) is no type; a type comes last, such as q4_k_m")
      }
      if splitting.split != nil, types.keepSplit {
        throw ValidationError("--keep-split and --split-… exclude each other")
      }
      if target.types.mix == nil, let option = types.givenOfTypes {
        throw ValidationError("copy keeps all types, so \(option) would have no effect")
      }
    }

    /// The output and the last argument, which says the types, whether or not an output comes before.
    private var target: (path: String, types: Types)? {
      if let type { return (output, type) }
      let folder = input.lastIndex(of: "/").map { input[...$0] } ?? ""
      return Types(argument: output).map { ("\(folder)ggml-model-\($0.name).gguf", $0) }
    }

    func run() throws {
      guard let target else { return }
      let options = try types.options(target.types.mix)
      var (plan, notes) = try makePlan(options)
      if let split = splitting.split { try plan.split(split, path: target.path) }
      notes += plan.notes
      common.printNotes(notes)
      if !calibrate.isEmpty || !calibrationIds.isEmpty {
        let loaded = try ModelLoader.load(input)
        var text = CalibrationText(context: 512)
        for path in calibrate {
          try text.add(
            try TextInput.text(path), from: path, tokenizer: try loaded.requiredTokenizer())
        }
        for path in calibrationIds {
          try text.add(ids: try TextInput.tokenLists(path), from: path, for: loaded.llama)
        }
        print("\(text.windows.tokenCount) tokens")
        let run = ConversionRun(plan, workers: common.workers)
        _ = try FeedbackRun(
          plan, of: loaded.llama, text: text, workers: common.workers, run: run
        ).write(to: target.path, writing.run)
        return
      }
      try PlanExecution(
        plan: plan, output: target.path, options: writing, common: common, notes: notes
      ).perform(label: "quantizing")
    }

    /// The plan, and what opening the file tells. A model that can be computed is checked as a whole,
    /// of any other its tensors' names tell what they are.
    private func makePlan(
      _ options: QuantizationOptions
    ) throws(WeightmillError) -> (plan: ConversionPlan, notes: [String]) {
      let checkpoint = try Checkpoint(path: input)
      guard checkpoint.isOfKnownArchitecture else {
        return (try ConversionPlan(quantize: checkpoint, with: options), checkpoint.notes)
      }
      let loaded = try ModelLoader.load(input)
      return (try ConversionPlan(quantize: loaded, with: options), loaded.notes)
    }

    /// The last argument: a mix of types, or llama-quantize's COPY.
    struct Types: ListedArgument {
      static let allValueStrings = TypeOption.allValueStrings + ["copy"]

      /// `nil`: all tensors keep their types.
      let mix: TypeMix?

      init?(argument: String) {
        mix = TypeMix(name: argument)
        guard mix != nil || argument.uppercased() == "COPY" else { return nil }
      }

      /// The name, as llama.cpp has it.
      var name: String { mix?.rawValue ?? "COPY" }
    }
  }
}
