import ArgumentParser
import WeightmillMetadata
import WeightmillPresentation
import WeightmillTensors

extension Subcommands {
  /// `weightmill metadata`: shows and changes the metadata of a GGUF file.
  struct Metadata: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "metadata",
      abstract: "Show or change the metadata of a GGUF file.",
      discussion: """
        Without a change, all keys are shown; --get shows one value as it is, KEY[N] an
        element of an array.

        Changes are made in this order: --remove, --rename, --chat-template-file,
        --set, --special-token. VALUE is a number, true or false, a text, or a JSON
        array; @FILE reads it from a file, @@ begins a text with @. The type is the one
        that llama.cpp reads the key in, or that the key has; else say it,
        KEY=TYPE:VALUE, with u8, i8, u16, i16, u32, i32, u64, i64, f32, f64, bool, str,
        or [TYPE] for an array. `general.architecture` takes the keys that begin with
        it along.

        What llama.cpp would refuse is refused: types, ids beyond the vocabulary,
        arrays of other lengths than the tokens.

        If the header keeps its length, it is changed in place, however large the file
        is; the next run mends it if this one is killed. Otherwise all tensors move:
        give --output, or --force to write the file anew in its place.

        EXAMPLES
          weightmill metadata ziya-q4_0.gguf
          weightmill metadata ziya-q4_0.gguf --get tokenizer.chat_template > ziya.jinja
          weightmill metadata ziya-q4_0.gguf --special-token eos='</s>'
          weightmill metadata ziya-q4_0.gguf --set general.name="Ziya 13B" \\
            --set general.tags='["llama", "chinese"]' --output ziya-named.gguf
          weightmill metadata ziya-q4_0.gguf \\
            --set tokenizer.chat_template=@ziya.jinja --force
        """)

    @Argument(
      help: "The GGUF file; of a split one, the first.", completion: .file(extensions: ["gguf"]))
    var file: String

    @Option(help: "Print the value of this key, and nothing else.")
    var get: String?

    @OptionGroup var changes: MetadataOptions

    @Option(
      name: .shortAndLong, help: "Write a new file, and leave this one as it is.",
      completion: .file(extensions: ["gguf"]))
    var output: String?

    @Flag(help: "Replace the output if it exists; without --output, write the file anew.")
    var force = false

    @Flag(help: "Print what would be changed, and write nothing.")
    var dryRun = false

    @Flag(help: "Write metadata that llama.cpp refuses, too.")
    var allowProblems = false

    @OptionGroup var common: CommonOptions

    func validate() throws {
      if changes.isEmpty {
        guard output == nil, !force, !dryRun, !allowProblems else {
          throw ValidationError(
            "--output, --force, --dry-run and --allow-problems go with a change, such as --set")
        }
      } else if get != nil {
        throw ValidationError("--get shows a value: leave out the changes")
      }
    }

    func run() throws {
      let edits = try changes.edits()
      let source = try MetadataFile(file)
      common.printNotes(source.notes)
      guard edits.isEmpty else { return try change(source, edits) }
      if let get {
        return try MetadataReport.print(source.value(of: get), of: get, json: common.json)
      }
      let report = MetadataReport(source)
      common.printNotes(report.problems)
      try common.json ? JSONOutput.print(report) : report.print()
    }

    private func change(_ source: MetadataFile, _ edits: [MetadataEdit]) throws {
      let plan = try source.plan(
        edits, output: output, overwrites: force, allowsProblems: allowProblems)
      common.printNotes(plan.notes)
      try plan.checkOutput()
      if !dryRun {
        let line = ProgressLine("copying", options: common)
        try Interruption.during { cancellation in
          defer { line.finish() }
          try plan.write(cancellation) { line.update(done: $0, total: $1) }
        }
      }
      let report = MetadataChangeReport(
        plan, input: file, isWritten: !dryRun, bytes: try plan.byteCount(),
        notes: source.notes + plan.notes)
      try common.json ? JSONOutput.print(report) : report.print()
    }
  }
}
