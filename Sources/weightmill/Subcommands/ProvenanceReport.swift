import WeightmillConversion
import WeightmillModels
import WeightmillPresentation
import WeightmillTensors

/// What `inspect --provenance` prints.
struct ProvenanceReport {
  private let path: String
  private let record: ProvenanceRecord

  /// Reads what a GGUF file says.
  ///
  /// - Throws: `unsupported` for another kind of file, which says nothing.
  init(_ checkpoint: Checkpoint) throws(WeightmillError) {
    guard let metadata = checkpoint.metadata else {
      throw WeightmillError(
        .unsupported, checkpoint.path, "is no GGUF file, which alone says where weights come from",
        remedy: "see the digests of its tensors with `weightmill hash`")
    }
    path = checkpoint.path
    record = ProvenanceRecord(metadata)
  }

  /// Prints it: a line for each fact and each file.
  func print(json: Bool) throws {
    if json { return try JSONOutput.print(record) }
    guard let version = record.version else {
      return try StandardOutput.print(
        "\(printable(path)): was not written by Weightmill; it names no sources")
    }
    try StandardOutput.print("\(printable(path)): written by Weightmill \(printable(version))")
    let facts = [
      ("merge rule", record.mergeRule), ("encoder", record.encoder),
      ("importance", record.importance), ("guidance", record.guidance),
      ("plan", record.planSHA256.map { "SHA-256 \($0)" }),
    ]
    let rows = facts.compactMap { name, value in value.map { ["  " + name, printable($0)] } }
    try StandardOutput.print(Text.table(rows, alignments: [.left, .left]))
    guard !record.sources.isEmpty else { return }
    try StandardOutput.print("\nsources")
    try StandardOutput.print(
      Text.table(
        record.sources.map { source in
          [
            "  " + printable(source.role), printable(source.name),
            source.bytes.map(Text.grouped) ?? "?", printable(source.sha256 ?? "not hashed"),
          ]
        }, alignments: [.left, .left, .right, .left]))
    let repositories = record.sources.compactMap(\.repository).reduce(into: [String]()) {
      if !$0.contains($1) { $0.append($1) }
    }
    guard !repositories.isEmpty else { return }
    try StandardOutput.print("\nread from")
    for repository in repositories { try StandardOutput.print("  " + printable(repository)) }
  }
}
