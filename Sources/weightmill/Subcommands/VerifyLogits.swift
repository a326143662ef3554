import ArgumentParser
import Conversion
import LLaMA
import Tensors
import Tokenization
import Verification

extension WeightmillCommand {
  /// `weightmill verify-logits`: compares a GGUF file's predictions with its origin's.
  struct VerifyLogits: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "verify-logits",
      abstract: "Compare a model's predictions with those of the model it was made from.",
      discussion: """
        Both models read the same tokens in one run, layer by layer.

        A limit that is not kept makes the exit code 1; a comparison that cannot be made, 78.

        EXAMPLES
          weightmill verify-logits q4_0.gguf --reference f16.gguf --text sample.txt
          weightmill verify-logits ziya-q4_0.gguf --reference llama-13b \\
            --delta Ziya-LLaMA-13B-v1 --text sample.txt --max-kld 0.05 --min-top1 0.9
        """)

    @Argument(help: "The GGUF file to be judged.", completion: .file(extensions: ["gguf"]))
    var candidate: String

    @Option(help: "The model to judge it by: a folder or a GGUF file.", completion: .file())
    var reference: String

    @OptionGroup var merging: MergeOptions

    @Option(help: "A UTF-8 text file; may be given several times.", completion: .file())
    var text: [String]

    @Option(help: "How many tokens a window holds.")
    var context = 512

    @Option(help: "Fail if the mean KL divergence, in nats, is above this.")
    var maxKld: Double?

    @Option(help: "Fail if the 99th percentile of KL divergence is above this.")
    var maxKldP99: Double?

    @Option(help: "Fail if the share of same top tokens (0 to 1) is below this.")
    var minTop1: Double?

    @Option(help: "Fail if the candidate's perplexity over the reference's is above this.")
    var maxPplRatio: Double?

    @OptionGroup var common: CommonOptions

    func validate() throws {
      guard context >= 2, context <= 1 << 20 else {
        throw ValidationError("--context must be from 2 to 1048576")
      }
      let limits = [maxKld, maxKldP99, minTop1, maxPplRatio].compactMap { $0 }
      guard limits.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
        throw ValidationError("limits must be numbers, 0 or above")
      }
      guard minTop1 ?? 0 <= 1 else {
        throw ValidationError("--min-top1 is a share from 0 to 1")
      }
    }

    func run() throws {
      let ours = try ModelLoader.load(candidate)
      let theirs = try ModelLoader.load(merging.request(reference))
      let windows = try windows(ours, theirs)
      let comparison = try ModelComparison(
        candidate: ours.llama, reference: theirs.llama, workers: common.workers)
      common.printNotes(ours.notes + theirs.notes)
      let trained = theirs.llama.configuration.contextLength
      if context > trained {
        common.printNotes([
          "the model was trained on \(trained) tokens at once: windows of \(context) say little"
        ])
      }
      let line = ProgressLine("comparing", options: common)
      defer { line.finish() }
      let statistics = try comparison.run(windows) { line.update(share: $0) }
      line.finish()
      let report = LogitReport(
        candidate: candidate, reference: theirs.llama.catalogue.location, texts: text,
        tokens: windows.tokenCount, windows: windows.windows.count, context: context,
        statistics: statistics, limits: gate.judge(statistics))
      try common.json ? JSONOutput.print(report) : report.print()
      if !report.passed { throw ExitCode(1) }
    }

    private var gate: LogitGate {
      var gate = LogitGate()
      gate.maximumDivergence = maxKld
      gate.maximumDivergenceP99 = maxKldP99
      gate.minimumSameTop = minTop1
      gate.maximumPerplexityRatio = maxPplRatio
      return gate
    }

    private func windows(
      _ ours: LoadedModel, _ theirs: LoadedModel
    ) throws(WeightmillError) -> TextWindows {
      let candidateVocabulary = try ours.requiredVocabulary()
      let vocabulary = try theirs.requiredVocabulary()
      var windows: [[Int]] = []
      for path in text {
        let tokens = try TokenAgreement.encode(
          try TextFile.read(path), candidate: (candidateVocabulary, candidate),
          reference: vocabulary)
        let bos = vocabulary.special.addsBOS ? vocabulary.special.bos : nil
        windows += TextWindows(tokens, context: context, bos: bos).windows
      }
      return TextWindows(windows: windows)
    }
  }
}
