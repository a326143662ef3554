import ArgumentParser
import Conversion
import Tensors

extension WeightmillCommand {
  /// `weightmill quantize`: a GGUF file to one with other types.
  struct Quantize: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "quantize",
      abstract: "Write a GGUF file anew with smaller types.",
      discussion: """
        EXAMPLES
          weightmill quantize ziya-f16.gguf ziya-q4_0.gguf q4_0
          weightmill quantize ziya-f16.gguf ziya-q8_0.gguf q8_0 --dry-run
        """)

    @Argument(help: "The GGUF file to read.", completion: .file(extensions: ["gguf"]))
    var input: String

    @Argument(help: "The GGUF file to write.", completion: .file(extensions: ["gguf"]))
    var output: String

    @Argument(help: "The type of the matrices.")
    var type: TypeOption

    @Flag(help: "Accept a file that is quantized already, and lose twice.")
    var allowRequantize = false

    @OptionGroup var writing: OutputOptions

    @OptionGroup var common: CommonOptions

    func run() throws {
      let loaded = try ModelLoader.load(input)
      let plan = try ConversionPlan(
        quantize: loaded, to: type.mix, allowsRequantizing: allowRequantize)
      common.printNotes(loaded.notes)
      try PlanExecution(
        plan: plan, output: output, options: writing, common: common, notes: loaded.notes
      ).perform(label: "quantizing")
    }
  }
}
