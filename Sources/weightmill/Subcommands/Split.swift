import ArgumentParser
import Conversion
import Tensors

extension WeightmillCommand {
  /// `weightmill split`: a GGUF file to several.
  struct Split: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "split",
      abstract: "Split a GGUF file into several, which llama.cpp reads as one.",
      discussion: """
        The files are named NAME-00001-of-00003.gguf and so on; llama.cpp and Weightmill
        open all of them when one is named. Tensors and metadata stay as they are, and
        `weightmill join` gives the same file again. `convert` and `quantize` have the
        same options.

        EXAMPLES
          weightmill split ziya-f16.gguf ziya.gguf --split-max-size 4G
          weightmill split ziya-f16.gguf ziya.gguf --split-files 3
        """)

    @Argument(
      help: "The GGUF file, or one of a split one.", completion: .file(extensions: ["gguf"]))
    var input: String

    @Argument(
      help: "The name of the files, without their numbers.",
      completion: .file(extensions: ["gguf"]))
    var output: String

    @OptionGroup var splitting: SplitOptions

    @OptionGroup var writing: OutputOptions

    @OptionGroup var common: CommonOptions

    func validate() throws {
      guard splitting.split != nil else {
        throw ValidationError("give --split-max-size, --split-max-tensors or --split-files")
      }
    }

    func run() throws {
      let checkpoint = try Checkpoint(path: input)
      var plan = try ConversionPlan(copy: checkpoint)
      if let split = splitting.split { try plan.split(split, path: output) }
      var notes = plan.notes
      if try plan.layout(path: output).files.count == 1 {
        notes.append("all of it fits one file, which is written under the name given")
      }
      common.printNotes(notes)
      try PlanExecution(
        plan: plan, output: output, options: writing, common: common, notes: notes
      ).perform(label: "splitting")
    }
  }
}
