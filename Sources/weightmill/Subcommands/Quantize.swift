import ArgumentParser
import WeightmillAllocation
import WeightmillConversion
import WeightmillModelCards
import WeightmillModels
import WeightmillTensors

extension Subcommands {
  /// `weightmill quantize`: a GGUF file to one with other types.
  struct Quantize: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "quantize",
      abstract: "Write a GGUF file anew with smaller types.",
      usage: """
        weightmill quantize <input> [<output>] <type> [<options>]
        weightmill quantize <input> <output> --target-size <target-size> [<options>]
        """,
      discussion: """
        Types and options have llama-quantize's names. Without OUTPUT, the file is
        ggml-model-TYPE.gguf beside the input; {type} in a name stands for the type.
        Of a split input any part may be named; one file is written, or with
        --keep-split one for each part.

        Some types with less than 3 bits require an imatrix: see `weightmill imatrix`.

        --calibrate does more than an imatrix: layer by layer, the error of each
        column is made up for in the columns behind it, by what text sends into the
        matrix. The file has the same size and types, and loses a third to a half less.
        It takes minutes for a small model and hours for 13B; a run that is interrupted
        goes on with --resume. The text is files, or self: what the model writes. Best
        is both, texts of several kinds, and 64,000 tokens or more. Judge by others.

        --target-size, --target-bpw or --like MIX stand in place of a type: each matrix
        gets the type that costs least in such a file. What types cost is measured by
        --text, which takes minutes for a small model and hours for 13B, or has been
        by `weightmill sensitivity`, once for every size. In the bytes of a mix the
        predictions move a quarter to a half less; --calibrate comes on top.

        EXAMPLES
          weightmill quantize ziya-f16.gguf ziya-q4_k_m.gguf q4_k_m
          weightmill quantize ziya-f16.gguf ziya-q8_0.gguf q8_0 --dry-run
          weightmill quantize ziya-f16.gguf small.gguf iq3_xxs --imatrix ziya.imatrix
          weightmill quantize ziya-f16.gguf ziya-q4_k_m.gguf q4_k_m \\
            --calibrate self --calibrate sample.txt --save-text self.json --resume
          weightmill quantize ziya-f16.gguf ziya.gguf --target-size 7.9GB \\
            --text sample.txt --save-types ziya.types
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

    @OptionGroup var calibration: CalibrationOptions

    @OptionGroup var allocation: AllocationOptions

    @OptionGroup var splitting: SplitOptions

    @OptionGroup var writing: OutputOptions

    @OptionGroup var common: CommonOptions

    func validate() throws {
      if splitting.split != nil, types.keepSplit {
        throw ValidationError("--keep-split and --split-… exclude each other")
      }
      if allocation.target != nil { return try validateAllocation() }
      guard let target else {
        throw ValidationError("\(quoted(output)) is no type; a type comes last, such as q4_k_m")
      }
      if target.types.mix == nil, let option = types.givenOfTypes {
        throw ValidationError("copy keeps all types, so \(option) would have no effect")
      }
      if let option = calibration.given {
        if target.types.mix == nil {
          throw ValidationError("copy keeps all types, so \(option) would have no effect")
        }
        try types.checkCalibrated(option)
      }
    }

    private func validateAllocation() throws {
      guard type == nil, Types(argument: output) == nil else {
        throw ValidationError(
          type == nil
            ? "name the output: what --target-size, --target-bpw or --like chooses has no name of its own"
            : "a size chooses the types: leave out \(quoted(type?.name.lowercased() ?? ""))")
      }
      guard !FileNameTemplate.isTemplate(output) else {
        throw ValidationError("a size chooses the types: leave {type} out of the output's name")
      }
      try types.checkAllocated()
      if let option = calibration.given { try types.checkCalibrated(option) }
    }

    /// The output and the last argument, which says the types, whether or not an output comes before.
    private var target: (path: String, types: Types)? {
      if let type { return (FileNameTemplate.filled(output, type: type.name), type) }
      let folder = input.lastIndex(of: "/").map { input[...$0] } ?? ""
      return Types(argument: output).map { ("\(folder)ggml-model-\($0.name).gguf", $0) }
    }

    func run() throws {
      if let size = allocation.target { return try run(within: size) }
      guard let target else { return }
      var options = try types.options(target.types.mix)
      options.isCalibrated = calibration.isGiven
      var (plan, model, notes) = try makePlan(options)
      if let split = splitting.split { try plan.split(split, path: target.path) }
      try write(plan, model, notes: notes, to: target.path)
    }

    /// Chooses the types for a size, and writes the file.
    private func run(within size: SizeTarget) throws {
      var options = try types.options(.q8_0)
      options.isCalibrated = calibration.isGiven
      let checkpoint = try Checkpoint(path: input)
      let loaded = checkpoint.isOfKnownArchitecture ? try ModelLoader.load(input) : nil
      let allocated = AllocatedWriting(
        allocation: allocation, target: size, selfText: calibration.selfText, model: loaded,
        input: input, output: output,
        writing: writing, common: common)
      let planned = try allocated.plan(options) { (options) throws(WeightmillError) in
        var plan =
          if let loaded {
            try ConversionPlan(quantize: loaded, with: options)
          } else {
            try ConversionPlan(quantize: checkpoint, with: options)
          }
        if let split = splitting.split { try plan.split(split, path: output) }
        return plan
      }
      guard let planned else { return }
      try write(planned.plan, loaded, notes: checkpoint.notes + planned.notes, planned.summary)
    }

    private func write(
      _ plan: ConversionPlan, _ model: LoadedModel?, notes: [String], to path: String? = nil,
      _ summary: AllocatedWriting.Summary? = nil
    ) throws {
      let (path, notes) = (path ?? output, notes + plan.notes)
      common.printNotes(notes)
      try PlanExecution(
        plan: plan, output: path, options: writing, common: common, notes: notes,
        calibrated: calibration.isGiven
          ? CalibratedWriting(
            plan: plan, model: try require(model), calibration: calibration, output: path,
            writing: writing, common: common) : nil, allocated: summary
      ).perform(label: "quantizing")
    }

    /// The plan, and what opening the file tells. A model that can be computed is checked as a whole,
    /// of any other its tensors' names tell what they are.
    private func makePlan(
      _ options: QuantizationOptions
    ) throws(WeightmillError) -> (plan: ConversionPlan, model: LoadedModel?, notes: [String]) {
      let checkpoint = try Checkpoint(path: input)
      guard checkpoint.isOfKnownArchitecture else {
        return (try ConversionPlan(quantize: checkpoint, with: options), nil, checkpoint.notes)
      }
      let loaded = try ModelLoader.load(input)
      return (try ConversionPlan(quantize: loaded, with: options), loaded, loaded.notes)
    }

    /// The model that text can go through.
    private func require(_ model: LoadedModel?) throws(WeightmillError) -> LoadedModel {
      guard let model else {
        throw WeightmillError(
          .unsupported, input, "is of an architecture that Weightmill does not compute",
          remedy: "leave out --calibrate; an importance matrix of llama.cpp goes with --imatrix")
      }
      return model
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
