import ArgumentParser
import Conversion
import Tensors

extension WeightmillCommand {
  /// `weightmill convert`: a checkpoint, and a delta, to a GGUF file.
  struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "convert",
      abstract: "Convert a checkpoint to a GGUF file, merging delta weights on the way.",
      discussion: """
        MODEL is a folder in Hugging Face's layout (model.safetensors or
        pytorch_model.bin, in shards or not) or in Meta's (consolidated.00.pth).

        With --delta, weights are base + delta, by the rule of the delta's family,
        which is recognised by the embeddings. Values or hashes that say the base is
        the wrong one end the work, unless --force-base is given.

        EXAMPLES
          weightmill convert llama-13b --delta Ziya-LLaMA-13B-v1 --output ziya-f16.gguf
          weightmill convert my-model --output my-model-q8_0.gguf --type q8_0
        """)

    @Argument(help: "The model's folder.", completion: .directory)
    var model: String

    @OptionGroup var merging: MergeOptions

    @Option(
      name: .shortAndLong, help: "The GGUF file to write.",
      completion: .file(extensions: ["gguf"]))
    var output: String

    @Option(help: "The type of the matrices.")
    var type = TypeOption(mix: .f16)

    @Option(help: "The model's name in the file (default: from the output's name).")
    var name: String?

    @OptionGroup var identification: IdentificationOptions

    @OptionGroup var writing: OutputOptions

    @OptionGroup var common: CommonOptions

    func run() throws {
      let loaded = try ModelLoader.load(merging.request(model))
      let plan = try ConversionPlan(
        convert: loaded, to: type.mix,
        name: name ?? ConversionPlan.modelName(output: output, mix: type.mix))
      let checks = try identification.checks(loaded, forcesBase: merging.forceBase)
      common.printNotes(loaded.notes)
      try PlanExecution(
        plan: plan, output: output, options: writing, common: common, notes: loaded.notes,
        checks: checks
      ).perform(label: "converting")
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
