import WeightmillGGUF
import WeightmillMetadata
import WeightmillPresentation
import WeightmillTensors

/// What `metadata` shows.
struct MetadataReport: Encodable {
  /// A key with its value.
  struct Entry: Encodable {
    let key: String
    let type: String
    let value: EncodableValue
  }

  let path: String
  let version: Int
  let alignment: Int
  /// Where the tensors begin, which is how long the header is.
  let dataOffset: Int
  let tensors: Int
  let metadata: [Entry]
  /// What llama.cpp would refuse.
  let problems: [String]

  init(_ source: MetadataFile) {
    path = source.path
    version = source.file.version
    alignment = source.file.alignment
    dataOffset = source.file.dataStart
    tensors = source.file.tensors.count
    metadata = source.file.metadata.entries.map {
      Entry(key: $0.key, type: ValueType(of: $0.value).name, value: EncodableValue($0.value))
    }
    problems = source.problems.map { "\($0.key) \($0.text)" }
  }

  /// Prints one line for each key.
  func print() throws(WeightmillError) {
    try StandardOutput.print(
      "\(printable(path)): GGUF \(version), \(metadata.count) keys in a header of "
        + "\(Text.grouped(dataOffset)) bytes, \(tensors) tensors at multiples of \(alignment) bytes"
    )
    let rows = metadata.map { entry in
      let count = entry.value.value.array.map { " of \($0.count)" } ?? ""
      return ["  " + printable(entry.key), entry.type + count, Self.shown(entry.value.value)]
    }
    try StandardOutput.print(Text.table(rows, alignments: [.left, .left, .left]))
  }

  /// A value in a table: texts in quotation marks and cut short, the first elements of arrays.
  static func shown(_ value: GGUFValue, limit: Int = 80) -> String {
    switch value {
    case .string(let text): quoted(text, limit: limit)
    case .array(_, let elements):
      "[" + elements.prefix(4).map { shown($0, limit: limit / 4) }.joined(separator: ", ")
        + (elements.count > 4 ? ", …]" : "]")
    default: ValueText.text(value)
    }
  }

  /// Prints one value and nothing else.
  ///
  /// A text goes to a file or another program as it is, to the byte; on a terminal it is made harmless
  /// and gets an end of line.
  static func print(_ value: GGUFValue, of key: String, json: Bool) throws {
    if json {
      return try JSONOutput.print(
        Entry(key: key, type: ValueType(of: value).name, value: EncodableValue(value)))
    }
    guard case .string(let text) = value else {
      return try StandardOutput.print(printable(ValueText.text(value)))
    }
    guard Terminal.isStandardOutputTerminal else {
      return try StandardOutput.print(text, terminator: "")
    }
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      try StandardOutput.print(printable(String(line)))
    }
  }
}

/// What `metadata` has changed.
struct MetadataChangeReport: Encodable {
  /// What became of a key.
  struct Change: Encodable {
    let key: String
    let oldKey: String?
    let type: String?
    let oldType: String?
    let before: EncodableValue?
    let after: EncodableValue?

    init(_ change: EditedMetadata.Change) {
      key = change.key
      oldKey = change.oldKey
      type = change.after.map { ValueType(of: $0).name }
      oldType = change.before.map { ValueType(of: $0).name }
      before = change.before.map(EncodableValue.init)
      after = change.after.map(EncodableValue.init)
    }

    /// The change in a table.
    var row: [String] {
      let name = oldKey.map { "\(printable($0)) → \(printable(key))" } ?? printable(key)
      func shown(_ value: EncodableValue?) -> String {
        value.map { MetadataReport.shown($0.value, limit: 40) } ?? "none"
      }
      let isSame = before?.value == after?.value
      return ["  " + name, isSame ? shown(after) : "\(shown(before)) → \(shown(after))"]
    }
  }

  let path: String
  let output: String
  let inPlace: Bool
  let written: Bool
  /// How many bytes are written, in place or in all.
  let bytes: Int
  let changes: [Change]
  let notes: [String]

  init(_ plan: MetadataPlan, input: String, isWritten: Bool, bytes: Int, notes: [String]) {
    path = input
    switch plan.way {
    case .copy(let path, _, _): (output, inPlace) = (path, false)
    case .inPlace, .nothing: (output, inPlace) = (input, true)
    }
    written = isWritten && plan.way != .nothing
    self.bytes = bytes
    changes = plan.edited.changes.map(Change.init)
    self.notes = notes
  }

  /// Prints one line for each key that changed, and what was written.
  func print() throws(WeightmillError) {
    if !changes.isEmpty {
      try StandardOutput.print(Text.table(changes.map(\.row), alignments: [.left, .left]))
    }
    let count = "\(Text.grouped(bytes)) \(bytes == 1 ? "byte" : "bytes")"
    let what =
      switch (bytes, inPlace) {
      case (0, _): "nothing to change"
      case (_, true): "\(count) of the header \(written ? "changed" : "would change") in place"
      case (_, false): "\(Text.bytes(bytes)) \(written ? "" : "would be ")written anew"
      }
    let dry = bytes > 0 && !written ? "; nothing was written" : ""
    try StandardOutput.print("\(printable(output)): \(what)\(dry)")
  }
}

/// A value of a GGUF file as JSON.
struct EncodableValue: Encodable {
  let value: GGUFValue

  init(_ value: GGUFValue) { self.value = value }

  func encode(to encoder: any Encoder) throws {
    if case .array(_, let elements) = value {
      var list = encoder.unkeyedContainer()
      for element in elements { try list.encode(EncodableValue(element)) }
      return
    }
    var single = encoder.singleValueContainer()
    switch value {
    case .string(let text): try single.encode(text)
    case .bool(let truth): try single.encode(truth)
    case .float32(let number): try single.encode(number)
    case .float64(let number): try single.encode(number)
    case .uint64(let number): try single.encode(number)
    case .int64(let number): try single.encode(number)
    default: try single.encode(value.integer ?? 0)
    }
  }
}
