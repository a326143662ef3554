import WeightmillModels
import WeightmillStrictJSON
import WeightmillTensors
import WeightmillTokenization

/// Mends files that are copied into a folder, so that each id and each text in them is one of the
/// vocabulary that is written there, and every class one that transformers has.
///
/// What transformers does with others: an id behind the embedding's last row fails when it is used, a
/// special token that the vocabulary lacks gets such an id, and a class that it does not know is an
/// error, be it of an early conversion or of a later version.
struct FolderRepair {
  /// The roles that a tokenizer's settings name in files that are made.
  static let namedRoles: [Vocabulary.Role] = [.bos, .eos, .unknown]

  private let vocabulary: Vocabulary?
  private let texts: Set<TensorName>
  private let rows: Int
  private let hasTokenizerJSON: Bool

  /// - Parameters:
  ///   - vocabulary: The vocabulary; `nil` if it is not understood.
  ///   - rows: The rows of the embedding.
  ///   - hasTokenizerJSON: Whether the folder gets a `tokenizer.json`.
  init(_ vocabulary: Vocabulary?, rows: Int, hasTokenizerJSON: Bool) {
    self.vocabulary = vocabulary
    texts = vocabulary?.usedTexts ?? []
    self.rows = rows
    self.hasTokenizerJSON = hasTokenizerJSON
  }

  /// Mends a file.
  ///
  /// - Parameters:
  ///   - object: Its content.
  ///   - name: Its name.
  /// - Returns: What was changed.
  func repair(_ object: inout JSONObject, _ name: String) -> [String] {
    switch name {
    case "config.json", "generation_config.json":
      return mendClass(&object) + mendIDs(&object)
    case "tokenizer_config.json", "special_tokens_map.json":
      return mendClass(&object) + mendTexts(&object) + mendLists(&object)
        + dropFromDecoder(&object)
    case "added_tokens.json":
      return dropFromTable(&object)
    case "tokenizer.json": return dropAddedTokens(&object)
    default: return []
    }
  }

  /// Whether a `tokenizer.json` names tokens behind the embedding's last row.
  ///
  /// One that cannot be read is copied as it is.
  func hasSurplus(_ path: String) -> Bool {
    let read = try? TokenizerJSONExtras(path: path)
    return read?.addedTokens.contains { $0.id >= rows } ?? false
  }

  // MARK: Classes

  /// Classes of transformers 5 that version 4 does not know.
  private static let newClasses: Set<String> = [
    "TokenizersBackend", "SentencePieceBackend", "PythonBackend",
  ]

  private func mendClass(_ object: inout JSONObject) -> [String] {
    let key = "tokenizer_class"
    guard let name = object[key]?.string else { return [] }
    let known: String
    if name == "LLaMATokenizer" {
      known = "LlamaTokenizer"
    } else if Self.newClasses.contains(name) {
      known = hasTokenizerJSON ? "PreTrainedTokenizerFast" : "LlamaTokenizer"
    } else {
      return []
    }
    object[key] = .string(known)
    return ["\(key) is \(known)"]
  }

  // MARK: Ids

  /// Sets the ids that are not in the vocabulary, or contradict it, to those of the vocabulary.
  private func mendIDs(_ object: inout JSONObject) -> [String] {
    var changes: [String] = []
    for member in object.members {
      let key = member.name
      let isList = ["suppress_tokens", "begin_suppress_tokens"].contains(key)
      guard key.hasSuffix("_token_id") || isList else { continue }
      let role = Vocabulary.Role.allCases.first { $0.idKey == key }
      let value: JSONValue
      if let ids = member.value.array {
        let kept = ids.filter { $0.integer.map { fits($0, role) } ?? true }
        guard kept.count < ids.count else { continue }
        value = kept.isEmpty && !isList ? own(role) : .array(kept)
      } else {
        guard let id = member.value.integer, !fits(id, role) else { continue }
        value = own(role)
      }
      object[key] = value
      // -1 is how some checkpoints write "none".
      if member.value.integer != -1 || value != .null {
        changes.append("\(key) is \(value.description)")
      }
    }
    return changes
  }

  private func fits(_ id: Int, _ role: Vocabulary.Role?) -> Bool {
    guard (0..<rows).contains(id) else { return false }
    guard let role, let vocabulary else { return true }
    return !vocabulary.contradicts(id, as: role, own: vocabulary.special)
  }

  private func own(_ role: Vocabulary.Role?) -> JSONValue {
    role.flatMap { vocabulary?.special[$0] }.map { .number("\($0)") } ?? .null
  }

  // MARK: Texts

  /// The text of a special token as settings have it: alone, or with what is said of it.
  private static func text(_ value: JSONValue) -> String? {
    value.string ?? value.object?["content"]?.string
  }

  private func isKnown(_ text: String) -> Bool {
    texts.contains(TensorName(text)) || texts.contains(TensorName(text.withSpaces))
  }

  /// Sets empty texts of roles, and takes out those that the vocabulary lacks.
  private func mendTexts(_ object: inout JSONObject) -> [String] {
    guard let vocabulary else { return [] }
    var changes: [String] = []
    for member in object.members where member.name.hasSuffix("_token") {
      let key = member.name
      guard let text = Self.text(member.value), !isKnown(text) else { continue }
      let role = Vocabulary.Role.allCases.first { $0.textKey == key }
      if let id = role.flatMap({ vocabulary.special[$0] }) {
        object[key] = .string(vocabulary.tokens[id].text)
        changes.append("\(key) is \(vocabulary.tokens[id].text)")
      } else if !text.isEmpty {
        object[key] = nil
        changes.append("\(key) \(quoted(text, limit: 40)) is left out")
      }
    }
    return changes
  }

  /// Mends the lists of further special tokens.
  ///
  /// The newer name is a list in transformers 5, which version 4 fails on: it knows a table there. Both
  /// know the older name.
  private func mendLists(_ object: inout JSONObject) -> [String] {
    let (older, newer) = ("additional_special_tokens", "extra_special_tokens")
    var changes: [String] = []
    if let list = object[newer]?.array {
      object[newer] = nil
      if object.nonNull(older) == nil, !list.isEmpty { object[older] = .array(list) }
      changes.append("\(newer) is \(older)")
    }
    guard vocabulary != nil, let list = object[older]?.array else { return changes }
    let kept = list.filter { Self.text($0).map(isKnown) ?? true }
    guard kept.count < list.count else { return changes }
    object[older] = .array(kept)
    return changes + [Self.shortened(older, by: list.count - kept.count)]
  }

  // MARK: Added tokens

  private func dropFromDecoder(_ object: inout JSONObject) -> [String] {
    let key = "added_tokens_decoder"
    guard let table = object[key]?.object else { return [] }
    let kept = table.members.filter { (Int($0.name) ?? 0) < rows }
    guard kept.count < table.members.count else { return [] }
    object[key] = .object(JSONObject(members: kept))
    return [Self.shortened(key, by: table.members.count - kept.count)]
  }

  private func dropFromTable(_ object: inout JSONObject) -> [String] {
    let kept = object.members.filter { ($0.value.integer ?? 0) < rows }
    guard kept.count < object.members.count else { return [] }
    let count = object.members.count - kept.count
    object = JSONObject(members: kept)
    return [Self.shortened("the table", by: count)]
  }

  private static func shortened(_ key: String, by count: Int) -> String {
    "\(key) lacks \(count) \(count == 1 ? "entry" : "entries") without a row"
  }

  private func dropAddedTokens(_ object: inout JSONObject) -> [String] {
    let key = "added_tokens"
    guard let list = object[key]?.array else { return [] }
    let kept = list.filter { ($0.object?["id"]?.integer ?? 0) < rows }
    guard kept.count < list.count else { return [] }
    object[key] = .array(kept)
    return [Self.shortened(key, by: list.count - kept.count)]
  }
}
