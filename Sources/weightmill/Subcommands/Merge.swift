import ArgumentParser
import WeightmillConversion
import WeightmillModels
import WeightmillTensors

extension Subcommands {
  /// `weightmill merge`: a base and a delta to a Hugging Face folder, as `apply_delta` does.
  struct Merge: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "merge",
      abstract: "Merge delta weights into a base, and write a folder that transformers loads.",
      discussion: """
        The options are those of the documented script: put `weightmill merge` in the
        place of `python3 -m apply_delta`. It is `weightmill convert` with
        --format safetensors; memory is low without an option for it.

        The target must not lie in the folder of the base or the delta. Nothing in it
        is deleted; --force replaces files of the same names.

        EXAMPLES
          weightmill merge --base llama-13b --delta Ziya-LLaMA-13B-v1 --target ziya
          weightmill merge --base llama-13b --delta Ziya-LLaMA-13B-v1 --target ziya \\
            --type bf16 --max-shard-size 2GB --dry-run
        """)

    @Option(
      name: [.customLong("base"), .customLong("base-model-path")], help: "The base's folder.",
      completion: .directory)
    var base: String

    @Option(
      name: [.customLong("target"), .customLong("target-model-path")],
      help: "The folder to write.", completion: .directory)
    var target: String

    @OptionGroup var merging: MergeOptions

    @Option(help: "The type of all tensors (default: that of the merged weights, f16).")
    var type: FolderTypeOption?

    @OptionGroup var folder: FolderOptions

    @OptionGroup var identification: IdentificationOptions

    @Flag(
      name: .customLong("low-cpu-mem"),
      help: "Accepted for the script's sake; memory is always low.")
    var lowMemory = false

    @OptionGroup var writing: OutputOptions

    @OptionGroup var common: CommonOptions

    func validate() throws {
      guard merging.merges else { throw ValidationError("give what to merge, such as --delta") }
    }

    func run() throws {
      let loaded = try ModelLoader.load(merging.request(base))
      var plan = try ConversionPlan(
        huggingFace: loaded, as: type?.type, maximumShardSize: folder.maximumShardSize)
      identification.choose(&plan)
      let checks = try identification.checks(loaded, forcesBase: merging.forceBase)
      common.printNotes(loaded.notes + plan.notes)
      try PlanExecution(
        plan: plan, output: target, options: writing, common: common,
        notes: loaded.notes + plan.notes, checks: checks
      ).perform(label: "merging")
    }
  }
}

/// A `--type` option of a safetensors folder.
struct FolderTypeOption: ListedArgument {
  static let allValueStrings = ["f16", "bf16", "f32"]

  let type: TensorType

  init?(argument: String) {
    guard Self.allValueStrings.contains(argument.lowercased()),
      let type = TensorType(rawValue: argument.uppercased())
    else { return nil }
    self.type = type
  }
}
