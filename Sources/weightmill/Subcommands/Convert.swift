import ArgumentParser
import WeightmillAllocation
import WeightmillConversion
import WeightmillModelCards
import WeightmillModels
import WeightmillTensors

extension Subcommands {
  /// `weightmill convert`: a checkpoint, and a delta, to a GGUF file or a Hugging Face folder.
  struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "convert",
      abstract:
        "Convert a checkpoint to a GGUF file or a folder, merging delta weights on the way.",
      discussion: """
        MODEL is a folder in Hugging Face's layout (model.safetensors or
        pytorch_model.bin, in shards or not) or in Meta's (consolidated.00.pth); with
        --format safetensors it may be a GGUF file, too.

        MODEL, --delta and --lora may be addresses, here and in other commands:
        hf://OWNER/NAME, hf://OWNER/NAME@REVISION, https://HOST/FOLDER/. What is needed
        is read in the pass that writes the file (docs/remote.md).

        With --delta, weights are base + delta, by the rule of the delta's family,
        which is recognised by the embeddings. Values or hashes that say the base is
        the wrong one end the work, unless --force-base is given.

        With --lora, LoRA adapters are merged, as PEFT does, one after the other:
        PEFT's folders, DoRA too, or GGUF adapters. PATH:0.5 takes half of one.
        --lora-only writes the adapter alone, for llama.cpp's --lora; --type is then
        f32, f16 or bf16 (default: f32).

        --type takes every type and mix of llama.cpp, and the options of `quantize`:
        a checkpoint becomes a quantized file in one pass.

        llama.cpp knows the ways in which byte-pair tokenizers cut text by names; the
        one that cuts as the model's does is found and written. --pre names another.

        --target-size and the like choose the types for a size, --calibrate quantizes
        with error feedback: see `weightmill help quantize`.

        Without --output, the file is named as llama.cpp's converter names it, by model
        card or folder: NAME-SIZE-FINETUNE-VERSION-TYPE.gguf, in the current folder.

        With --format safetensors, the output is a folder that transformers loads:
        weights in shards with their index, config.json, tokenizer files. Types are
        f16, bf16 and f32; without --type, tensors keep theirs. Of a GGUF file the
        folder is made anew, quantized tensors are decoded, to f16 without --type;
        what such a file does not say of the model is named in notes.

        EXAMPLES
          weightmill convert llama-13b --delta Ziya-LLaMA-13B-v1 --output ziya-f16.gguf
          weightmill convert llama-7b --lora chinese-alpaca-lora --output alpaca.gguf
          weightmill convert my-model --output my-model-q4_k_m.gguf --type q4_k_m
          weightmill convert llama-7b --lora chinese-alpaca-lora:0.5 --output half.gguf
          weightmill convert llama-7b --lora my-lora --lora-only --output my-lora.gguf
          weightmill convert llama-13b --delta Ziya-LLaMA-13B-v1 --type q4_k_m \\
            --calibrate self --output ziya-q4_k_m.gguf
          weightmill convert my-model --output my-folder --format safetensors
          weightmill convert ziya-q4_k_m.gguf --format safetensors --output folder
          weightmill convert my-model --output 'm-{type}.gguf' --type q5_k_m
          weightmill convert my-model --output m.gguf --type q8_0 --split-max-size 4G
          weightmill convert my-model --output m.gguf --type q4_k_m --part 2/8
        """)

    @Argument(help: "The model's folder, or its weight file.", completion: .file())
    var model: String

    @OptionGroup var merging: MergeOptions

    @Flag(
      help: "Write the LoRA adapter alone, as a GGUF file that llama.cpp loads beside the base.")
    var loraOnly = false

    @OptionGroup var cutting: PreTokenizerOption

    @Option(
      name: [.customShort("o"), .customLong("output")],
      help:
        "The GGUF file, or the folder, to write; {type} stands for the type (default: by the model's name).",
      completion: .file(extensions: ["gguf"]))
    var givenOutput: String?

    @Option(help: "What to write: a GGUF file, or a Hugging Face folder.")
    var format = Format.gguf

    @Option(
      help: "The type of the matrices (default: f16; in a folder, what they have, if it can).")
    var type: TypeOption?

    @Option(
      help: "The model's name in the GGUF file (default: by its model card, or the output's name).")
    var name: String?

    @Option(
      help: "A JSON file of general.… keys that count more than the model card's.",
      completion: .file(extensions: ["json"]))
    var metadata: String?

    @OptionGroup var types: TypeOptions

    @OptionGroup var calibration: CalibrationOptions

    @OptionGroup var allocation: AllocationOptions

    @OptionGroup var splitting: SplitOptions

    @Option(
      help: ArgumentHelp(
        "Write only the K-th of N files, the same as one run writes: for several machines.",
        valueName: "K/N"))
    var part: PartOption?

    @OptionGroup var folder: FolderOptions

    @OptionGroup var identification: IdentificationOptions

    @OptionGroup var writing: OutputOptions

    @OptionGroup var common: CommonOptions

    /// What is written.
    enum Format: String, ExpressibleByArgument, CaseIterable {
      case gguf
      case safetensors
    }

    func validate() throws {
      if loraOnly { return try checkAdapterAlone() }
      if allocation.target != nil, givenOutput.map(FileNameTemplate.isTemplate) ?? true {
        throw ValidationError("a size chooses the types: give --output, without {type} in its name")
      }
      switch format {
      case .gguf:
        guard part == nil || identification.expectSum == nil else {
          throw ValidationError("--expect-sum is the sum of all parts; leave out --part")
        }
        guard !folder.isGiven else {
          throw ValidationError("--max-shard-size goes with --format safetensors")
        }
        if let option = calibration.given {
          try types.checkCalibrated(option)
          guard part == nil else {
            throw ValidationError(
              "\(option) needs all layers before the ones it writes: leave out --part")
          }
          guard allocation.target != nil || type.map({ !$0.mix.baseType.isScalar }) == true else {
            throw ValidationError("\(option) goes with a type of blocks, such as --type q4_k_m")
          }
        }
        if allocation.target != nil {
          guard type == nil else {
            throw ValidationError("a size chooses the types: leave out --type")
          }
          try types.checkAllocated()
        }
        guard !types.prunesLayers || identification.expectSum == nil else {
          throw ValidationError("--expect-sum is the sum of all layers; leave out --prune-layers")
        }
      case .safetensors:
        guard type == nil || folderType != nil else {
          throw ValidationError(
            "a safetensors folder holds f16, bf16 or f32, not \(type?.mix.rawValue.lowercased() ?? "")"
          )
        }
        guard part == nil, splitting.split == nil else {
          throw ValidationError("--part and --split-… go with --format gguf")
        }
        if let option = types.given ?? calibration.given ?? allocation.given {
          throw ValidationError("\(option) goes with --format gguf")
        }
        guard name == nil, metadata == nil else {
          throw ValidationError("--\(name != nil ? "name" : "metadata") goes with --format gguf")
        }
        guard let output = givenOutput else {
          throw ValidationError("--format safetensors needs --output, the folder to write")
        }
        guard !output.lowercased().hasSuffix(".gguf") else {
          throw ValidationError("--format safetensors writes a folder, not a .gguf file")
        }
      }
    }

    /// Refuses options that have no meaning for an adapter's file.
    private func checkAdapterAlone() throws {
      guard merging.adapters.count == 1, merging.delta == nil else {
        throw ValidationError("--lora-only goes with --lora, given once, and without --delta")
      }
      guard format == .gguf else {
        throw ValidationError("--lora-only writes a GGUF file; leave out --format safetensors")
      }
      guard adapterType != nil else {
        throw ValidationError(
          "an adapter's file holds f32, f16 or bf16, not \(type?.mix.rawValue.lowercased() ?? "")")
      }
      guard givenOutput != nil, metadata == nil else {
        throw ValidationError(
          metadata == nil
            ? "--lora-only needs --output, the file to write"
            : "--metadata is for models; leave it out with --lora-only")
      }
      let others = [
        types.given, calibration.given, allocation.given, part.map { _ in "--part" },
        splitting.split.map { _ in "--split-…" }, cutting.name.map { _ in "--pre" },
        folder.isGiven ? "--max-shard-size" : nil,
        identification.expectSum.map { _ in "--expect-sum" },
        identification.requireKnown ? "--require-known" : nil,
        identification.known.isEmpty ? nil : "--known",
      ]
      if let option = others.compactMap(\.self).first {
        throw ValidationError("\(option) is for models; leave it out with --lora-only")
      }
    }

    /// The type of an adapter's tensors; `nil` for one that it cannot have.
    private var adapterType: TensorType? {
      guard let type else { return .f32 }
      return ConversionPlan.adapterTypes.first {
        $0.name.lowercased() == type.mix.rawValue.lowercased()
      }
    }

    private var folderType: TensorType? {
      type.flatMap { FolderTypeOption(argument: $0.mix.rawValue)?.type }
    }

    /// Writes the adapter alone.
    private func writeAdapter() throws {
      let adapter = try ModelLoader.loadAdapter(merging.request(model))
      let mix = type?.mix ?? .f32
      let output = FileNameTemplate.filled(givenOutput ?? "", type: mix.rawValue)
      var plan = ConversionPlan(
        adapter: adapter, as: adapterType ?? .f32,
        name: name ?? ConversionPlan.modelName(output: output, mix: mix))
      identification.choose(&plan)
      common.printNotes(adapter.notes)
      try PlanExecution(
        plan: plan, output: output, options: writing, common: common, notes: adapter.notes
      ).perform(label: "converting")
    }

    func run() throws {
      if loraOnly { return try writeAdapter() }
      let loaded = try ModelLoader.load(cutting.applied(to: merging.request(model)))
      let output = try output(of: loaded)
      guard let (plan, allocated) = try plan(loaded, to: output) else { return }
      let checks = try identification.checks(loaded, forcesBase: merging.forceBase)
      let notes = loaded.notes + (allocated?.notes ?? []) + plan.notes
      common.printNotes(notes)
      try PlanExecution(
        plan: plan, output: output, options: writing, common: common,
        notes: notes, checks: checks, part: part?.number,
        calibrated: calibration.isGiven
          ? CalibratedWriting(
            plan: plan, model: loaded, calibration: calibration, output: output, writing: writing,
            common: common) : nil, allocated: allocated?.summary
      ).perform(label: "converting")
    }

    /// The file or folder to write: the one that was named, or by the model's name.
    private func output(of loaded: LoadedModel) throws(WeightmillError) -> String {
      let type = (type?.mix ?? .f16).rawValue
      if let givenOutput {
        return FileNameTemplate.filled(givenOutput, type: format == .gguf ? type : nil)
      }
      return try card(fallback: "model").card(of: loaded).fileName.of(type: type)
    }

    /// Where the words come from that the file has on its model.
    private func card(fallback: String) -> CardSource {
      var source = CardSource(name: name, fallback: fallback, override: metadata)
      source.takesFolderName = givenOutput == nil
      return source
    }

    /// Cuts the file as asked; a part alone is one of files of about the same size.
    private func cut(_ plan: inout ConversionPlan, _ output: String) throws(WeightmillError) {
      guard let split = splitting.split ?? part.map({ .count($0.count) }) else { return }
      try plan.split(split, path: output)
      guard let part else { return }
      let count = try plan.layout(path: output).files.count
      guard count == part.count else {
        throw WeightmillError(
          .usage, output, "is cut into \(count) files, not \(part.count)",
          remedy: "give --part \(min(part.number, count))/\(count)")
      }
    }

    /// The plan; `nil` for a dry run that would have to measure first.
    private func plan(
      _ loaded: LoadedModel, to output: String
    ) throws -> (plan: ConversionPlan, allocated: AllocatedWriting.Planned?)? {
      guard format == .gguf else {
        guard cutting.name == nil || loaded.metadata != nil else {
          throw WeightmillError(
            .usage, model, "has tokenizer files, which are copied as they are",
            remedy: "leave out --pre, which goes with --format gguf or a GGUF file")
        }
        return (
          try ConversionPlan(
            huggingFace: loaded, as: folderType, maximumShardSize: folder.maximumShardSize), nil
        )
      }
      let mix = type?.mix ?? .f16
      var options = try types.options(mix)
      options.isCalibrated = calibration.isGiven
      guard let size = allocation.target else { return (try plan(loaded, options, output), nil) }
      let allocated = AllocatedWriting(
        allocation: allocation, target: size, selfText: calibration.selfText, model: loaded,
        input: model, output: output,
        writing: writing, common: common)
      return try allocated.plan(options) { (options) throws(WeightmillError) in
        try plan(loaded, options, output)
      }.map { ($0.plan, $0) }
    }

    private func plan(
      _ loaded: LoadedModel, _ options: QuantizationOptions, _ output: String
    ) throws(WeightmillError) -> ConversionPlan {
      var plan = try ConversionPlan(
        convert: loaded, with: options,
        describedBy: card(
          fallback: ConversionPlan.modelName(output: output, mix: options.mix ?? .f16)))
      identification.choose(&plan)
      try cut(&plan, output)
      return plan
    }
  }
}

/// A `--type` option: the name of a mix of types in any case.
struct TypeOption: ListedArgument {
  static let allValueStrings = TypeMix.allCases.map { $0.rawValue.lowercased() }

  let mix: TypeMix

  init(mix: TypeMix) { self.mix = mix }

  init?(argument: String) {
    guard let mix = TypeMix(name: argument) else { return nil }
    self.mix = mix
  }

  var defaultValueDescription: String { mix.rawValue.lowercased() }
}

/// One of several parts: `2/5`.
struct PartOption: ExpressibleByArgument {
  /// The number, from 1.
  let number: Int
  /// The number of parts.
  let count: Int

  init?(argument: String) {
    let numbers = argument.split(separator: "/", omittingEmptySubsequences: false)
    guard numbers.count == 2, let number = Int(numbers[0]), let count = Int(numbers[1]),
      count >= 1, (1...count).contains(number)
    else { return nil }
    self.number = number
    self.count = count
  }
}
