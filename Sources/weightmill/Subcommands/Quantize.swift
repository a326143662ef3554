import ArgumentParser
import Conversion
import Tensors

extension WeightmillCommand {
  /// `weightmill quantize`: a GGUF file to one with other types.
  struct Quantize: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "quantize",
      abstract: "Write a GGUF file anew with smaller types.",
      usage: "weightmill quantize <input> [<output>] <type> [<options>]",
      discussion: """
        Types and options have llama-quantize's names. Without OUTPUT, the file is
        ggml-model-TYPE.gguf beside the input. Of a split input any part may be named;
        one file is written, or with --keep-split one for each part.

        Some types with less than 3 bits require an imatrix: see `weightmill imatrix`.

        EXAMPLES
          weightmill quantize ziya-f16.gguf ziya-q4_k_m.gguf q4_k_m
          weightmill quantize ziya-f16.gguf ziya-q8_0.gguf q8_0 --dry-run
          weightmill quantize ziya-f16.gguf small.gguf iq3_xxs --imatrix ziya.imatrix
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

    @Argument(help: "The type of the matrices.")
    var type: TypeOption?

    @OptionGroup var types: TypeOptions

    @OptionGroup var writing: OutputOptions

    @OptionGroup var common: CommonOptions

    func validate() throws {
      guard mix != nil else {
        throw ValidationError("\(quoted(output)) is no type; a type comes last, such as q4_k_m")
      }
    }

    /// The mix: the last argument, whether or not an output comes before it.
    private var mix: TypeMix? { type?.mix ?? TypeMix(name: output) }

    private func target(_ mix: TypeMix) -> String {
      guard type == nil else { return output }
      let folder = input.lastIndex(of: "/").map { input[...$0] } ?? ""
      return "\(folder)ggml-model-\(mix.rawValue).gguf"
    }

    func run() throws {
      guard let mix else { return }
      let options = try types.options(mix)
      let loaded = try ModelLoader.load(input)
      let plan = try ConversionPlan(quantize: loaded, with: options)
      common.printNotes(loaded.notes + plan.notes)
      try PlanExecution(
        plan: plan, output: target(mix), options: writing, common: common,
        notes: loaded.notes + plan.notes
      ).perform(label: "quantizing")
    }
  }
}
