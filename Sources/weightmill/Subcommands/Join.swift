import ArgumentParser
import WeightmillConversion
import WeightmillModels
import WeightmillTensors

extension Subcommands {
  /// `weightmill join`: the files of a split GGUF file to one.
  struct Join: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "join",
      abstract: "Put the files of a split GGUF file together.",
      discussion: """
        Any of the files may be named; all are read. Metadata and tensors stay as they
        are, but for the keys that number the files. What `weightmill split` has cut
        from a file of Weightmill's becomes that file again, byte for byte.

        EXAMPLES
          weightmill join ziya-f16-00001-of-00007.gguf ziya-f16.gguf
        """)

    @Argument(
      help: "One of the files to read.", completion: .file(extensions: ["gguf"]))
    var input: String

    @Argument(help: "The GGUF file to write.", completion: .file(extensions: ["gguf"]))
    var output: String

    @OptionGroup var writing: OutputOptions

    @OptionGroup var common: CommonOptions

    func run() throws {
      let checkpoint = try Checkpoint(path: input)
      let plan = try ConversionPlan(join: checkpoint)
      let notes = checkpoint.notes + plan.notes
      common.printNotes(notes)
      try PlanExecution(
        plan: plan, output: output, options: writing, common: common, notes: notes
      ).perform(label: "joining")
    }
  }
}
