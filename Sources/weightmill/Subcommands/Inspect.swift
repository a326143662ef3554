import ArgumentParser
import WeightmillComparison
import WeightmillModels
import WeightmillPyTorch
import WeightmillReporting
import WeightmillTensors

extension Subcommands {
  /// `weightmill inspect`: what a file or folder holds, or what two of them differ in.
  struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "inspect",
      abstract: "Show what a checkpoint holds: kind, configuration, tensors, metadata.",
      discussion: """
        Tensors of layers that are alike are one line, blk.0-29.attn_q.weight, with the
        bytes of all of them; --all shows each.

        With a second path, what the two say of themselves is compared: metadata,
        configuration, names, shapes and types of tensors. The exit code is 0 if nothing
        differs, otherwise 1. Values are compared by `weightmill compare`.

        --markdown prints a page about the model: name, architecture, size, types,
        context, tokenizer, licence, origin, and how to run it.

        EXAMPLES
          weightmill inspect llama-13b
          weightmill inspect ziya-q4_0.gguf --json
          weightmill inspect ziya-q4_0.gguf --provenance
          weightmill inspect ziya-q4_0.gguf --markdown > README.md
          weightmill inspect ziya-q4_0.gguf ziya-q4_k_m.gguf
        """)

    @Argument(help: "A folder or a file.", completion: .file())
    var path: String

    @Argument(help: "Another one, to show what they differ in.", completion: .file())
    var other: String?

    @Option(help: "The member of PyTorch files that holds the tensors (default: found).")
    var key: String?

    @Flag(help: "Show each tensor, not those of layers that are alike as one.")
    var all = false

    @Flag(help: "Show only where the weights of a GGUF file come from: files, hashes, rules.")
    var provenance = false

    @Flag(help: "Print a page about the model, in Markdown.")
    var markdown = false

    @OptionGroup var common: CommonOptions

    func validate() throws {
      guard !provenance || !markdown else {
        throw ValidationError("give --provenance or --markdown, not both")
      }
      guard other == nil || !(provenance || markdown) else {
        throw ValidationError("--provenance and --markdown go with one path")
      }
      guard !all || !(provenance || markdown) else {
        throw ValidationError("--all goes with the list of tensors")
      }
    }

    func run() throws {
      let checkpoint = try open(path)
      if let other {
        let report = InspectDifference(checkpoint, try open(other), showsAll: all)
        try common.json ? JSONOutput.print(report) : report.print()
        if !report.same { throw ExitCode(1) }
        return
      }
      if provenance { return try ProvenanceReport(checkpoint).print(json: common.json) }
      if markdown {
        let facts = ModelFacts(checkpoint)
        return try common.json
          ? JSONOutput.print(facts) : StandardOutput.print(ModelPage(facts).markdown)
      }
      let report = InspectReport(checkpoint, showsAll: all)
      try common.json ? JSONOutput.print(report) : report.print()
    }

    private func open(_ path: String) throws(WeightmillError) -> Checkpoint {
      let checkpoint = try Checkpoint(path: path, selection: key.map { .member($0) } ?? .model)
      common.printNotes(checkpoint.notes)
      return checkpoint
    }
  }
}
