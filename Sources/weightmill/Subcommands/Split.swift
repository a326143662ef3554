import ArgumentParser
import WeightmillConversion
import WeightmillModels
import WeightmillTensors

extension Subcommands {
  /// `weightmill split`: a GGUF file to several.
  struct Split: ParsableCommand {
    /// How many tensors a file holds at most unless told otherwise: llama-gguf-split's figure.
    private static let defaultTensors = 128

    static let configuration = CommandConfiguration(
      commandName: "split",
      abstract: "Cut a GGUF file into several.",
      discussion: """
        The files are named OUTPUT-00001-of-00003.gguf and so on, as llama.cpp expects;
        it is given the first. Files are cut as llama-gguf-split cuts them: between
        tensors, after 128 of them if no limit is given. Sizes are of tensors alone;
        one that is larger gets a file to itself. Metadata and tensors stay as they are.

        INPUT may be split already: name any of its files. What fits one file stays one.

        EXAMPLES
          weightmill split ziya-f16.gguf ziya-f16.gguf --max-size 4G
          weightmill split ziya-f16.gguf parts/ziya-f16 --max-tensors 100 \\
            --no-tensor-first-split
        """)

    @Argument(
      help: "The GGUF file to read, or one of a split one.", completion: .file(extensions: ["gguf"])
    )
    var input: String

    @Argument(
      help: "What the names of the files begin with; .gguf at the end is left out.",
      completion: .file(extensions: ["gguf"]))
    var output: String

    @Option(
      name: [.customLong("max-size"), .customLong("split-max-size")],
      help: "At most so many bytes of tensors in a file, such as 4G or 500M (decimal), or 4GiB.")
    var size: ByteSize?

    @Option(
      name: [.customLong("max-tensors"), .customLong("split-max-tensors")],
      help: "At most so many tensors in a file (default: 128).")
    var tensors: Int?

    @Option(
      name: [.customLong("files"), .customLong("split-files")],
      help: "So many files of about the same size.")
    var files: Int?

    @Flag(help: "The first file holds the metadata and no tensors.")
    var noTensorFirstSplit = false

    @OptionGroup var writing: OutputOptions

    @OptionGroup var common: CommonOptions

    func validate() throws {
      let given = [size != nil, tensors != nil, files != nil].count { $0 }
      guard given <= 1 else {
        throw ValidationError("--max-size, --max-tensors and --files exclude each other")
      }
      if let tensors, tensors < 1 { throw ValidationError("--max-tensors must be at least 1") }
      if let files, files < 1 { throw ValidationError("--files must be at least 1") }
    }

    private var split: ShardSplit {
      size.map { .maximumSize($0.bytes) } ?? files.map { .count($0) }
        ?? .maximumTensors(tensors ?? Self.defaultTensors)
    }

    func run() throws {
      let checkpoint = try Checkpoint(path: input)
      let plan = try ConversionPlan(
        split: checkpoint, by: split, leavesFirstEmpty: noTensorFirstSplit, path: output)
      let notes = checkpoint.notes + plan.notes
      common.printNotes(notes)
      try PlanExecution(
        plan: plan, output: output, options: writing, common: common, notes: notes
      ).perform(label: "splitting")
    }
  }
}
