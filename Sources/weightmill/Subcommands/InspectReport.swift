import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillPresentation
import WeightmillStrictJSON
import WeightmillTensors

/// What `inspect` prints.
struct InspectReport: Encodable {
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

  /// Tensors of layers that are alike.
  struct Group: Encodable {
    /// Their names as one: `blk.0-29.attn_q.weight`.
    let name: String
    let shape: [Int]
    let type: String
    let tensors: Int
    let bytes: Int
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
  let groups: [Group]
  let tensors: [Tensor]
  private let showsAll: Bool

  private enum CodingKeys: CodingKey {
    case path, kind, formatVersion, names, quantization, parameters, bytes, configuration, metadata
    case groups, tensors
  }

  /// Reports on a checkpoint.
  ///
  /// - Parameters:
  ///   - checkpoint: The checkpoint.
  ///   - showsAll: Whether each tensor has a line.
  init(_ checkpoint: Checkpoint, showsAll: Bool) {
    self.showsAll = showsAll
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
    let tensors = tensors
    groups = LayerGroups(tensors.map { ($0.name, "\($0.type) \($0.shape)") }).groups.map { group in
      let first = tensors[group.indices[0]]
      return Group(
        name: group.name, shape: first.shape, type: first.type, tensors: group.indices.count,
        bytes: group.indices.reduce(0) { $0 + tensors[$1].bytes })
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

  /// Prints the report for people: one line for each key and each kind of tensor, made for `diff`.
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
    func row(_ name: String, _ shape: [Int], _ type: String, _ bytes: Int) -> [String] {
      let extents = shape.map(String.init).joined(separator: ", ")
      return ["  " + printable(name), "[\(extents)]", type, Text.grouped(bytes)]
    }
    guard !showsAll else {
      return try StandardOutput.print(
        Text.table(
          tensors.map { row($0.name, $0.shape, $0.type, $0.bytes) },
          alignments: [.left, .right, .left, .right]))
    }
    try StandardOutput.print(
      Text.table(
        groups.map {
          row($0.name, $0.shape, $0.type, $0.bytes)
            + ($0.tensors > 1 ? ["\($0.tensors) tensors"] : [])
        }, alignments: [.left, .right, .left, .right, .right]))
  }

  private func quotedIfText(_ entry: Entry) -> String {
    entry.type == "string" ? quoted(entry.shown) : printable(entry.shown)
  }
}
