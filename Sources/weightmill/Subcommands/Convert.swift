import ArgumentParser
import Conversion
import Tensors

extension WeightmillCommand {
  /// `weightmill convert`: a checkpoint, and a delta, to a GGUF file or a Hugging Face folder.
  struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "convert",
      abstract:
        "Convert a checkpoint to a GGUF file or a folder, merging delta weights on the way.",
      discussion: """
        MODEL is a folder in Hugging Face's layout (model.safetensors or
        pytorch_model.bin, in shards or not) or in Meta's (consolidated.00.pth).

        With --delta, weights are base + delta in F16. Embeddings and head are the
        delta's alone if it is of Ziya's kind; base + delta if it is of Vicuna's.

        With --lora, LoRA adapters are merged, as PEFT does, one after the other.

        With --format safetensors, the output is a folder that transformers loads:
        weights in shards with their index, config.json, tokenizer files. Types are
        f16, bf16 and f32; without --type, tensors keep theirs.

        EXAMPLES
          weightmill convert llama-13b --delta Ziya-LLaMA-13B-v1 --output ziya-f16.gguf
          weightmill convert llama-7b --lora chinese-alpaca-lora-7b --output alpaca.gguf
          weightmill convert my-model --output my-model-q8_0.gguf --type q8_0
          weightmill convert my-model --output my-folder --format safetensors
        """)

    @Argument(help: "The model's folder.", completion: .directory)
    var model: String

    @OptionGroup var merging: MergeOptions

    @Option(
      name: .shortAndLong, help: "The GGUF file, or the folder, to write.",
      completion: .file(extensions: ["gguf"]))
    var output: String

    @Option(help: "What to write: a GGUF file, or a Hugging Face folder.")
    var format = Format.gguf

    @Option(help: "The type of the matrices (default: f16; in a folder, what they have).")
    var type: TypeOption?

    @Option(help: "The model's name in the GGUF file (default: from the output's name).")
    var name: String?

    @OptionGroup var folder: FolderOptions

    @OptionGroup var writing: OutputOptions

    @OptionGroup var common: CommonOptions

    /// What is written.
    enum Format: String, ExpressibleByArgument, CaseIterable {
      case gguf
      case safetensors
    }

    func validate() throws {
      switch format {
      case .gguf:
        guard !folder.isGiven else {
          throw ValidationError("--max-shard-size goes with --format safetensors")
        }
      case .safetensors:
        guard type == nil || folderType != nil else {
          throw ValidationError(
            "a safetensors folder holds f16, bf16 or f32, not \(type?.mix.rawValue.lowercased() ?? "")"
          )
        }
        guard name == nil else { throw ValidationError("--name goes with --format gguf") }
        guard !output.lowercased().hasSuffix(".gguf") else {
          throw ValidationError("--format safetensors writes a folder, not a .gguf file")
        }
      }
    }

    private var folderType: TensorType? {
      type.flatMap { FolderTypeOption(argument: $0.mix.rawValue)?.type }
    }

    func run() throws {
      let loaded = try ModelLoader.load(merging.request(model))
      let plan = try plan(loaded)
      common.printNotes(loaded.notes + plan.notes)
      try PlanExecution(plan: plan, output: output, options: writing, common: common)
        .perform(label: "converting")
    }

    private func plan(_ loaded: LoadedModel) throws(WeightmillError) -> ConversionPlan {
      switch format {
      case .gguf:
        let mix = type?.mix ?? .f16
        return try ConversionPlan(
          convert: loaded, to: mix,
          name: name ?? ConversionPlan.modelName(output: output, mix: mix))
      case .safetensors:
        return try ConversionPlan(
          huggingFace: loaded, as: folderType, maximumShardSize: folder.maximumShardSize)
      }
    }
  }
}

/// A `--type` option: the name of a mix of types in any case.
struct TypeOption: ExpressibleByArgument {
  static let allValueStrings = TypeMix.allCases.map { $0.rawValue.lowercased() }

  let mix: TypeMix

  init(mix: TypeMix) { self.mix = mix }

  init?(argument: String) {
    guard let mix = TypeMix(name: argument) else { return nil }
    self.mix = mix
  }

  var defaultValueDescription: String { mix.rawValue.lowercased() }
}
