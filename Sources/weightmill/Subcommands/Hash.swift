import ArgumentParser
import WeightmillConversion
import WeightmillLLaMA
import WeightmillModels
import WeightmillPresentation
import WeightmillPyTorch
import WeightmillTensors

extension Subcommands {
  /// `weightmill hash`: the SHA-256 of every tensor.
  struct Hash: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "hash",
      abstract: "Print the SHA-256 of every tensor's values.",
      discussion: """
        Values are hashed row by row, little endian, in their own type: the digests do
        not depend on the container or the shards. With --delta or --lora, those of the
        merged model are printed, in Hugging Face's names and row order.

        --as-checkpoint gives these for any LLaMA model that is not quantized: the GGUF
        file of a merged model has the digests of the merge. Vectors that a GGUF file
        holds in F32 are taken in the matrices' type if every value is one of it.

        EXAMPLES
          weightmill hash llama-13b --delta Ziya-LLaMA-13B-v1 --json > ziya.json
          weightmill hash my-merged-model --check ziya.json
          weightmill hash ziya-13b-f16.gguf --as-checkpoint --check ziya.json
        """)

    @Argument(help: "A folder or a file.", completion: .file())
    var path: String

    @OptionGroup var merging: MergeOptions

    @Flag(help: "Use Hugging Face's names, row order and types, whatever the file is.")
    var asCheckpoint = false

    @Option(
      help: "Compare with what --json printed earlier.", completion: .file(extensions: ["json"]))
    var check: String?

    @OptionGroup var common: CommonOptions

    func run() throws {
      let catalogue = try catalogue()
      let manifest = try check.map { path throws(WeightmillError) in
        try DigestManifest(path: path)
      }
      let line = ProgressLine("hashing", options: common)
      let total = catalogue.byteCount
      let digests = try Interruption.during { cancellation in
        defer { line.finish() }
        return try TensorDigest.all(
          of: catalogue, workers: common.workers, cancellation: cancellation,
          progress: { line.update(done: $0, total: total) })
      }
      try manifest?.check(digests)
      if common.json { return try JSONOutput.print(["tensors": digests]) }
      if let check {
        return try StandardOutput.print("\(printable(check)): all \(digests.count) tensors agree")
      }
      let rows = digests.map { digest in
        [
          digest.sha256, digest.dtype,
          "[\(digest.shape.map(String.init).joined(separator: ", "))]", printable(digest.name),
        ]
      }
      try StandardOutput.print(Text.table(rows, alignments: [.left, .left, .right, .left]))
    }

    private func catalogue() throws(WeightmillError) -> any Catalogue {
      if asCheckpoint { return try checkpointForm() }
      guard merging.merges else {
        let checkpoint = try Checkpoint(
          path: path, selection: merging.key.map { .member($0) } ?? .everything)
        common.printNotes(checkpoint.notes)
        return checkpoint.catalogue
      }
      let merged = try ModelLoader.load(merging.request(path))
      common.printNotes(merged.notes)
      return LlamaView(merged.llama, as: .huggingFace)
    }

    private func checkpointForm() throws(WeightmillError) -> CheckpointForm {
      let request = merging.request(path)
      let (model, notes): (LlamaModel, [String])
      if merging.merges {
        let merged = try ModelLoader.load(request)
        (model, notes) = (merged.llama, merged.notes)
      } else {
        let checkpoint = try Checkpoint(path: path, selection: request.selection)
        (model, notes) = try ModelLoader.checkedModel(checkpoint)
      }
      let form = try CheckpointForm(model)
      common.printNotes(notes + form.notes)
      return form
    }
  }
}
