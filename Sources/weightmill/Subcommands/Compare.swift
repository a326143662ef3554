import ArgumentParser
import WeightmillComparison
import WeightmillModels
import WeightmillTensors

extension Subcommands {
  /// `weightmill compare`: two checkpoints, tensor by tensor.
  struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "compare",
      abstract: "Compare two checkpoints tensor by tensor.",
      discussion: """
        A and B are folders or files of any kind that can be read. Two LLaMA models are
        compared under Hugging Face's names and with its order of rows, whatever files
        they are in; everything else under the names that the files have. Quantized
        tensors are decoded. With --delta or --lora, A is the merged model.

        The exit code is 0 if every tensor of one is in the other with the same shape
        and values, or with values within the limits that are given; otherwise 1.
        Types may differ. NaN and infinity keep no limit, unless both sides have the
        same one.

        EXAMPLES
          weightmill compare llama-13b --delta Ziya-LLaMA-13B-v1 their-merged-model
          weightmill compare ziya-f16.gguf ziya-q4_k_m.gguf --relative-tolerance 10%
          weightmill compare one.gguf another.gguf --only-different
        """)

    @Argument(help: "A folder or a file.", completion: .file())
    var a: String

    @Argument(help: "Another one.", completion: .file())
    var b: String

    @OptionGroup var merging: MergeOptions

    @Option(help: "The largest difference that a pair of values may have.")
    var tolerance: Double?

    @Option(
      help: """
        The largest root mean square of a tensor's differences, as a share of that of A's \
        values: 5%, or 0.05.
        """)
    var relativeTolerance: Share?

    @Flag(help: "Leave out tensors whose values are all the same.")
    var onlyDifferent = false

    @OptionGroup var common: CommonOptions

    func validate() throws {
      guard (tolerance ?? 0) >= 0, (tolerance ?? 0).isFinite else {
        throw ValidationError("--tolerance must be a number, 0 or above")
      }
    }

    /// The limits that were given.
    private var limits: DifferenceLimits {
      DifferenceLimits(maximum: tolerance, relativeRMS: relativeTolerance?.value)
    }

    func run() throws {
      let first = merging.request(a)
      var second = ModelRequest(b)
      second.selection = first.selection
      let inputs = try ComparedCheckpoints(first, second)
      common.printNotes(inputs.notes)
      let comparison = try CheckpointComparison(inputs)
      let line = ProgressLine("comparing", options: common)
      let total = comparison.byteCount
      let difference = try Interruption.during { cancellation in
        defer { line.finish() }
        return try comparison.run(
          workers: common.workers, cancellation: cancellation,
          progress: { line.update(done: $0, total: total) })
      }
      let report = CompareReport(
        inputs, difference, limits, hidesSame: onlyDifferent)
      try common.json ? JSONOutput.print(report) : report.print()
      if !report.passed { throw ExitCode(1) }
    }
  }
}
