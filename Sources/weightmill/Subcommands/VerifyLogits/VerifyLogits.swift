import ArgumentParser
import WeightmillModels
import WeightmillTensors
import WeightmillVerification

extension Subcommands {
  /// `weightmill verify-logits`: compares a GGUF file's predictions with its origin's.
  struct VerifyLogits: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "verify-logits",
      abstract: "Compare a model's predictions with those of the model it was made from.",
      discussion: """
        Both models read the same tokens in one run, layer by layer. The report says how much the \
        predictions differ, in which layers and tensors the difference begins, and what is wrong \
        in the file.

        A limit that is not kept makes the exit code 1; a comparison that cannot be made, 78.

        EXAMPLES
          weightmill verify-logits q4_0.gguf --reference f16.gguf --text sample.txt
          weightmill verify-logits ziya-q4_0.gguf --reference llama-13b \\
            --delta Ziya-LLaMA-13B-v1 --text sample.txt --max-kld 0.05 --min-top1 0.9
          weightmill verify-logits q3_k_m.gguf --reference f16.gguf --text sample.txt \\
            --attribute --html report.html
          weightmill verify-logits f16.gguf --text sample.txt \\
            --save-logits f16-logits.safetensors
          weightmill verify-logits q4_0.gguf --reference f16-logits.safetensors
        """)

    @Argument(help: "The GGUF file to be judged.", completion: .file(extensions: ["gguf"]))
    var candidate: String

    @Option(
      help: "What to judge it by: a model's folder, a GGUF file, or saved logits.",
      completion: .file())
    var reference: String?

    @OptionGroup var merging: MergeOptions
    @OptionGroup var cutting: PreTokenizerOption
    @OptionGroup(title: "Text") var evaluation: EvaluationOptions
    @OptionGroup(title: "Limits") var limits: GateOptions
    @OptionGroup(title: "Report") var reporting: ReportOptions
    @OptionGroup var common: CommonOptions

    func validate() throws {
      guard reference != nil || reporting.saveLogits != nil else {
        throw ValidationError("give a --reference, or --save-logits to make one")
      }
      guard !common.json || !reporting.printsPage else {
        throw ValidationError("--json and a page cannot both go to standard output")
      }
      guard reference != nil || (!merging.merges && !reporting.attribute) else {
        throw ValidationError("--delta, --lora and --attribute need a --reference")
      }
    }

    func run() throws {
      let run = try VerificationRun(try request())
      common.printNotes(run.notes)
      try reporting.check(inputs: run.inputs)
      let report = try measure(run)
      try reporting.write(report, inputs: run.inputs)
      if common.json {
        try StandardOutput.print(try report.json(), terminator: "")
      } else if !reporting.printsPage {
        try ReportTable(report).print()
      }
      if report.isPartial { throw ExitCode(WeightmillError.Code.interrupted.exitCode) }
      if !report.passed { throw ExitCode(1) }
    }

    private func request() throws(WeightmillError) -> VerificationRequest {
      var request = VerificationRequest(
        candidate: cutting.applied(to: ModelRequest(candidate)),
        reference: reference.map { cutting.applied(to: merging.request($0)) },
        evaluation: evaluation.input)
      request.gate = try limits.gate()
      request.precision = reporting.precision
      request.attribution = reporting.attribution
      request.savedLogits = reporting.savedLogits
      request.savedPositions = reporting.savedPositions
      request.otherInputs = limits.files
      return request
    }

    private func measure(_ run: VerificationRun) throws -> VerificationReport {
      let lines = StageLines(common)
      defer { lines.finish() }
      return try Interruption.during { cancellation in
        try run.report(workers: common.workers, cancellation: cancellation, progress: lines.update)
      }
    }
  }
}

/// A progress line for each stage, one after the other.
private final class StageLines {
  private let options: CommonOptions
  private var current: (stage: VerificationRun.Stage, line: ProgressLine)?

  init(_ options: CommonOptions) { self.options = options }

  func update(_ stage: VerificationRun.Stage, share: Double) {
    if let current, current.stage == stage { return current.line.update(share: share) }
    finish()
    let line = ProgressLine("\(stage)", options: options)
    current = (stage, line)
    line.update(share: share)
  }

  func finish() { current?.line.finish() }
}
