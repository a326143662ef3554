import ArgumentParser
import Conversion
import Tensors

extension WeightmillCommand {
  /// `weightmill join`: the files of a split GGUF file to one.
  struct Join: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "join",
      abstract: "Join the files of a split GGUF file to one.",
      discussion: """
        Any one of the files may be named; the others are found by their names, and
        must say that they belong together. Tensors and metadata stay as they are.

        EXAMPLES
          weightmill join ziya-00001-of-00003.gguf ziya.gguf
        """)

    @Argument(
      help: "One of the files of the split one.", completion: .file(extensions: ["gguf"]))
    var input: String

    @Argument(help: "The GGUF file to write.", completion: .file(extensions: ["gguf"]))
    var output: String

    @OptionGroup var writing: OutputOptions

    @OptionGroup var common: CommonOptions

    func run() throws {
      let checkpoint = try Checkpoint(path: input)
      let plan = try ConversionPlan(copy: checkpoint)
      guard checkpoint.weightFiles.count > 1 else {
        throw WeightmillError(
          .mismatch, input, "is one file already", remedy: "copy it as any other file")
      }
      common.printNotes(plan.notes)
      try PlanExecution(
        plan: plan, output: output, options: writing, common: common, notes: plan.notes
      ).perform(label: "joining")
    }
  }
}
