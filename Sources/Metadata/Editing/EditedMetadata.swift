package import WeightmillGGUF
import WeightmillModels
package import WeightmillTensors

/// Metadata after changes, with what was changed.
package struct EditedMetadata: Sendable {
  /// What became of a key.
  package struct Change: Equatable, Sendable {
    /// The key, under its new name if it has one.
    package let key: String
    /// The old name of a key that has another.
    package let oldKey: String?
    /// The value before; `nil` for a new key.
    package let before: GGUFValue?
    /// The value afterwards; `nil` for a key that is gone.
    package let after: GGUFValue?
  }

  /// The keys that say where weights come from begin so.
  private static let provenance = "weightmill."
  private static let splitting = "split."

  /// The metadata.
  package private(set) var metadata: GGUFMetadata
  /// Remarks for the user.
  package private(set) var notes: [String] = []
  private let original: GGUFMetadata
  private let path: String
  /// For each key that has a new name, the old one.
  private var oldNames: [String: String] = [:]
  /// The keys that were set, which is done once, and the elements.
  private var assigned: Set<String> = []

  /// Applies changes: what goes first, then new names, then values.
  ///
  /// - Parameters:
  ///   - edits: The changes.
  ///   - metadata: What they are applied to.
  ///   - path: The file, for messages.
  /// - Throws: `usage` for a change that makes no sense, or that is not to be made by hand; `noInput` for
  ///   a key that is not there.
  package init(
    _ edits: [MetadataEdit], to metadata: GGUFMetadata, path: String
  ) throws(WeightmillError) {
    self.metadata = metadata
    original = metadata
    self.path = path
    for case .remove(let key) in edits { try remove(key) }
    for case .rename(let old, let new) in edits { try rename(old, to: new) }
    for case .chatTemplates(let templates) in edits { try set(templates) }
    for case .set(let assignment) in edits { try set(assignment) }
    for edit in edits {
      switch edit {
      case .special(let role, let text): try set(role, to: text)
      case .specialID(let role, let id): try set(role, to: id)
      default: break
      }
    }
    try self.metadata.checkSizes(path)
  }

  /// What was changed, in the order of the new metadata; keys that are gone come last.
  package var changes: [Change] {
    var changes: [Change] = []
    for entry in metadata.entries {
      let old = oldNames[entry.key]
      let before = original[old ?? entry.key]
      guard before != entry.value || old != nil else { continue }
      changes.append(Change(key: entry.key, oldKey: old, before: before, after: entry.value))
    }
    let renamed = Set(oldNames.values)
    for entry in original.entries where !renamed.contains(entry.key) {
      guard metadata[entry.key] == nil || oldNames[entry.key] != nil else { continue }
      changes.append(Change(key: entry.key, oldKey: nil, before: entry.value, after: nil))
    }
    return changes
  }

  private func usage(_ problem: String, remedy: String? = nil) -> WeightmillError {
    WeightmillError(.usage, path, problem, remedy: remedy)
  }

  /// Refuses keys that follow from the file, or say how it came about.
  private func checkIsFree(_ key: String) throws(WeightmillError) {
    guard !key.isEmpty else { throw usage("a key must not be empty") }
    if key.hasPrefix(Self.splitting) {
      throw usage(
        "the key \(quoted(key)) follows from how the file is split",
        remedy: "use `weightmill split` or `weightmill join`")
    }
    if key.hasPrefix(Self.provenance) {
      throw usage(
        "the key \(quoted(key)) says how Weightmill made the file, which does not change",
        remedy: "all of these keys can be removed together: --remove 'weightmill.*'")
    }
  }

  private func missing(_ key: String) -> WeightmillError {
    WeightmillError(
      .noInput, path, "has no key \(quoted(key))",
      remedy: "`weightmill metadata` shows the keys there are")
  }

  // MARK: Names

  private mutating func rename(_ old: String, to new: String) throws(WeightmillError) {
    try checkIsFree(old)
    try checkIsFree(new)
    guard metadata[old] != nil else { throw missing(old) }
    try move([old: new])
  }

  /// Gives keys other names, where they stand.
  private mutating func move(_ names: [String: String]) throws(WeightmillError) {
    for new in names.values where metadata[new] != nil && names[new] == nil {
      throw usage(
        "there is a key \(quoted(new)) already", remedy: "remove it, too: --remove \(new)")
    }
    var moved = GGUFMetadata()
    for entry in metadata.entries {
      let key = names[entry.key] ?? entry.key
      guard moved[key] == nil else { throw usage("two keys would be named \(quoted(key))") }
      moved[key] = entry.value
    }
    metadata = moved
    for (old, new) in names { oldNames[new] = oldNames.removeValue(forKey: old) ?? old }
  }

  // MARK: Removal

  private mutating func remove(_ pattern: String) throws(WeightmillError) {
    guard pattern.hasSuffix("*"), metadata[pattern] == nil else {
      try checkIsFree(pattern)
      guard metadata[pattern] != nil else { throw missing(pattern) }
      metadata[pattern] = nil
      return
    }
    let start = String(pattern.dropLast())
    // Without any of these keys the file says nothing of its origin: with some of them, something else.
    guard !start.hasPrefix(Self.provenance) || start == Self.provenance,
      !Self.provenance.hasPrefix(start) || start == Self.provenance || !hasProvenance
    else { throw usage("these keys can only go together", remedy: "--remove 'weightmill.*'") }
    let found = metadata.entries.filter { $0.key.hasPrefix(start) }
    guard !found.isEmpty else {
      throw WeightmillError(.noInput, path, "has no keys that begin with \(quoted(start))")
    }
    if start != Self.provenance { for entry in found { try checkIsFree(entry.key) } }
    metadata.removeAll { $0.hasPrefix(start) }
  }

  private var hasProvenance: Bool {
    metadata.entries.contains { $0.key.hasPrefix(Self.provenance) }
  }

  // MARK: Values

  private mutating func assign(_ value: GGUFValue, to key: String) throws(WeightmillError) {
    try checkIsFree(key)
    guard assigned.insert(key).inserted else { throw usage("the key \(quoted(key)) is set twice") }
    metadata[key] = value
  }

  private mutating func set(_ assignment: MetadataEdit.Assignment) throws(WeightmillError) {
    if let element = ArrayElement(assignment.key, in: metadata) {
      return try set(element, to: assignment)
    }
    let key = assignment.key
    let type = try type(of: key, assignment)
    let value = try ValueText.value(assignment.text, as: type, of: "--set \(key)")
    if key == "general.architecture" { try moveKeys(to: value) }
    try assign(value, to: key)
  }

  /// The type that was asked for; else that in which llama.cpp reads the key; else that which it has.
  private mutating func type(
    of key: String, _ assignment: MetadataEdit.Assignment
  ) throws(WeightmillError) -> ValueType {
    if let type = assignment.type { return type }
    let present = metadata[key].map { ValueType(of: $0) }
    let known = KnownKeys.types(
      of: key, architecture: metadata["general.architecture"]?.string)
    if let present, known?.contains(present) ?? true { return present }
    guard let known else {
      throw usage(
        "the type of the new key \(quoted(key)) is not known",
        remedy: "say it: --set \(key)=TYPE:VALUE, with "
          + ValueType.allNames.joined(separator: ", ") + ", or [TYPE] for an array")
    }
    if let present {
      notes.append("\(key) was of type \(present.name) and becomes \(known.written.name)")
    }
    return known.written
  }

  private mutating func set(
    _ element: ArrayElement, to assignment: MetadataEdit.Assignment
  ) throws(WeightmillError) {
    guard case .array(let kind, var values)? = metadata[element.key] else { return }
    try checkIsFree(element.key)
    guard values.indices.contains(element.index) else {
      throw usage(
        "\(quoted(element.key)) has \(values.count) elements, and none of index \(element.index)")
    }
    guard assignment.type == nil || assignment.type == ValueType(kind) else {
      throw usage("the elements of \(quoted(element.key)) are of type \(ValueType(kind).name)")
    }
    guard !assigned.contains(element.key), assigned.insert(assignment.key).inserted else {
      throw usage("\(quoted(assignment.key)) is set twice")
    }
    values[element.index] = try ValueText.value(
      assignment.text, as: ValueType(kind), of: "--set \(assignment.key)")
    metadata[element.key] = .array(kind, values)
  }

  /// Gives the keys of the architecture its new name.
  private mutating func moveKeys(to value: GGUFValue) throws(WeightmillError) {
    guard let new = value.string, let old = metadata["general.architecture"]?.string, old != new,
      !old.isEmpty, !new.isEmpty
    else { return }
    let start = old + "."
    var names: [String: String] = [:]
    for entry in metadata.entries where entry.key.hasPrefix(start) {
      names[entry.key] = "\(new).\(entry.key.dropFirst(start.count))"
    }
    try move(names)
    if !names.isEmpty {
      notes.append(
        "\(names.count) keys that begin with \(quoted(start)) begin with \(quoted(new + ".")) now")
    }
  }

  // MARK: Tokens and templates

  private func tokens() throws(WeightmillError) -> [GGUFValue] {
    guard let tokens = metadata["tokenizer.ggml.tokens"]?.array else {
      throw WeightmillError(
        .unsupported, path, "has no tokens, so none can be chosen", remedy: "leave it out")
    }
    return tokens
  }

  private mutating func set(
    _ role: SpecialTokenRole, to text: String
  ) throws(WeightmillError) {
    let found = try tokens().enumerated().filter {
      $0.element.string.map { $0.utf8.elementsEqual(text.utf8) } ?? false
    }.map(\.offset)
    guard let id = found.first else {
      throw WeightmillError(
        .noInput, path, "has no token \(quoted(text))",
        remedy: "choose it by its number: --special-token-by-id \(role.name)=ID")
    }
    guard found.count == 1 else {
      throw usage(
        "\(found.count) tokens are \(quoted(text)), the first of them \(found[0]) and \(found[1])",
        remedy: "choose one by its number: --special-token-by-id \(role.name)=ID")
    }
    try set(role, to: id)
  }

  private mutating func set(_ role: SpecialTokenRole, to id: Int) throws(WeightmillError) {
    let tokens = try tokens()
    guard tokens.indices.contains(id), let value = UInt32(exactly: id) else {
      throw usage("there is no token \(id): ids are from 0 to \(tokens.count - 1)")
    }
    try assign(.uint32(value), to: role.key)
    guard let kinds = metadata["tokenizer.ggml.token_type"]?.array, kinds.indices.contains(id),
      let kind = kinds[id].integer, kind != 3
    else { return }
    notes.append(
      "token \(id), \(quoted(tokens[id].string ?? "")), is of kind \(kind), not of 3, as control tokens are; "
        + "--set 'tokenizer.ggml.token_type[\(id)]=3' makes it one")
  }

  private mutating func set(_ templates: ChatTemplates) throws(WeightmillError) {
    metadata.removeAll {
      $0 == "tokenizer.chat_templates" || $0.hasPrefix("tokenizer.chat_template.")
    }
    if templates.main == nil { metadata["tokenizer.chat_template"] = nil }
    for (key, value) in templates.keys { try assign(value, to: key) }
  }
}
