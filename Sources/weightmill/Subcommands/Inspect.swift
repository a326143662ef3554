import ArgumentParser
import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillPresentation
import WeightmillPyTorch
import WeightmillStrictJSON
import WeightmillTensors

extension Subcommands {
  /// `weightmill inspect`: what a file or folder holds.
  struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "inspect",
      abstract: "Show what a checkpoint holds: kind, configuration, tensors, metadata.",
      discussion: """
        EXAMPLES
          weightmill inspect llama-13b
          weightmill inspect ziya-q4_0.gguf --json
          weightmill inspect ziya-q4_0.gguf --provenance
        """)

    @Argument(help: "A folder or a file.", completion: .file())
    var path: String

    @Option(help: "The member of PyTorch files that holds the tensors (default: found).")
    var key: String?

    @Flag(help: "Show only where the weights of a GGUF file come from: files, hashes, rules.")
    var provenance = false

    @OptionGroup var common: CommonOptions

    func run() throws {
      let checkpoint = try Checkpoint(path: path, selection: key.map { .member($0) } ?? .model)
      common.printNotes(checkpoint.notes)
      if provenance { return try ProvenanceReport(checkpoint).print(json: common.json) }
      let report = InspectReport(checkpoint)
      try common.json ? JSONOutput.print(report) : report.print()
    }
  }
}

/// What `inspect` prints.
private struct InspectReport: Encodable {
  struct Tensor: Encodable {
    let name: String
    let shape: [Int]
    let type: String
    let bytes: Int
  }

  struct Entry: Encodable {
    let key: String
    let type: String
    /// The number of elements of an array.
    let count: Int?
    let value: String?
    let values: [String]?

    /// The value in a table: the first elements of an array.
    var shown: String {
      guard let values else { return value ?? "" }
      let first = values.prefix(4).joined(separator: ", ")
      return values.count > 4 ? first + ", …" : first
    }
  }

  let path: String
  let kind: String
  let formatVersion: Int?
  let names: String?
  /// How the weights are stored, if they are quantized and can be decoded.
  let quantization: String?
  let parameters: Int
  let bytes: Int
  let configuration: [Entry]
  let metadata: [Entry]
  let tensors: [Tensor]

  init(_ checkpoint: Checkpoint) {
    path = checkpoint.path
    kind = checkpoint.layout.rawValue
    formatVersion = checkpoint.formatVersion
    names = checkpoint.scheme?.rawValue
    quantization = checkpoint.quantization
    parameters = checkpoint.catalogue.parameterCount
    bytes = checkpoint.catalogue.byteCount
    configuration = checkpoint.configuration?.json.object?.members.map(Self.entry) ?? []
    metadata =
      (checkpoint.metadata?.entries.map(Self.entry) ?? [])
      + checkpoint.remarks.map {
        Entry(key: $0.name, type: "string", count: nil, value: $0.value, values: nil)
      }
    tensors = checkpoint.catalogue.tensors.map {
      Tensor(name: $0.name, shape: $0.shape.extents, type: $0.type.name, bytes: $0.byteCount)
    }
  }

  private static func entry(_ member: JSONObject.Member) -> Entry {
    let type =
      switch member.value {
      case .null: "null"
      case .bool: "bool"
      case .number: "number"
      case .string: "string"
      case .array: "array"
      case .object: "object"
      }
    return Entry(
      key: member.name, type: type, count: nil,
      value: member.value.string ?? member.value.description, values: nil)
  }

  private static func entry(_ entry: GGUFMetadata.Entry) -> Entry {
    guard case .array(let kind, let values) = entry.value else {
      return Entry(
        key: entry.key, type: "\(entry.value.kind)", count: nil, value: text(entry.value),
        values: nil)
    }
    return Entry(
      key: entry.key, type: "\(kind) array", count: values.count, value: nil,
      values: values.map(text))
  }

  private static func text(_ value: GGUFValue) -> String {
    if let text = value.string { return text }
    if let integer = value.integer { return "\(integer)" }
    if case .float32(let float) = value { return "\(float)" }
    if let double = value.double { return "\(double)" }
    return value.bool.map { "\($0)" } ?? "…"
  }

  /// Prints the report for people: one line for each key and each tensor, made for `diff`.
  func print() throws(WeightmillError) {
    let version = formatVersion.map { ", version \($0)" } ?? ""
    try StandardOutput.print("\(printable(path)): \(kind)\(version)")
    try StandardOutput.print(
      "\(Text.grouped(tensors.count)) tensors, \(Text.grouped(parameters)) values, "
        + Text.bytes(bytes))
    if let quantization {
      try StandardOutput.print(
        "quantized weights: \(printable(quantization)); decoded when they are read as a model's")
    }
    for (title, entries) in [("configuration", configuration), ("metadata", metadata)]
    where !entries.isEmpty {
      try StandardOutput.print("\n\(title)")
      let rows = entries.map { entry in
        let type = entry.count.map { "\(entry.type) of \($0)" } ?? entry.type
        return ["  " + printable(entry.key), type, quotedIfText(entry)]
      }
      try StandardOutput.print(Text.table(rows, alignments: [.left, .left, .left]))
    }
    try StandardOutput.print("\ntensors")
    let rows = tensors.map { tensor in
      [
        "  " + printable(tensor.name), "[\(tensor.shape.map(String.init).joined(separator: ", "))]",
        tensor.type, Text.grouped(tensor.bytes),
      ]
    }
    try StandardOutput.print(Text.table(rows, alignments: [.left, .right, .left, .right]))
  }

  private func quotedIfText(_ entry: Entry) -> String {
    entry.type == "string" ? quoted(entry.shown) : printable(entry.shown)
  }
}
