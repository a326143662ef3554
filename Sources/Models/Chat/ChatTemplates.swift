package import WeightmillGGUF
package import WeightmillStrictJSON
package import WeightmillTensors

/// The chat templates of a model: the one that counts, and others by name (`tool_use`, `rag`).
package struct ChatTemplates: Equatable, Sendable {
  /// A template with a name.
  package struct Named: Equatable, Sendable {
    /// The name.
    package let name: String
    /// The template.
    package let text: String
  }

  /// How many templates a model may have; those published have up to three.
  private static let maximumCount = 100
  /// How many bytes a template in a file may have.
  private static let maximumBytes = 1 << 20
  /// The template's name in a list of them.
  private static let mainName = "default"
  /// The folder of named templates.
  package static let folderName = "additional_chat_templates"

  /// The template that counts.
  package var main: String?
  /// The others, in the order of the files.
  package var named: [Named] = []

  /// No templates.
  package init() {}

  /// The names by which a template can be chosen.
  package var names: [String] { (main == nil ? [] : [Self.mainName]) + named.map(\.name) }

  /// A template by its name.
  ///
  /// - Parameter name: The name; `default` is the one that counts.
  /// - Returns: The template's text; `nil` when there is none of the name.
  package func text(named name: String) -> String? {
    if let found = named.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) {
      return found.text
    }
    return name == Self.mainName ? main : nil
  }
}

/// Templates in the files of a folder.
extension ChatTemplates {
  /// Reads the templates of a model's folder, and says which counts when its files differ.
  ///
  /// `chat_template.jinja` comes first, then `tokenizer_config.json`, then `chat_template.json`: the
  /// order of transformers. Source: `from_pretrained` of `tokenization_utils_base.py`.
  ///
  /// - Parameters:
  ///   - folder: The folder.
  ///   - settings: The content of its `tokenizer_config.json`.
  ///   - notes: What the user should know is added here.
  /// - Throws: `malformed` for what is no template; `refused` for more than any model has.
  package init(
    _ folder: Folder, settings: JSONObject?, notes: inout [String]
  ) throws(WeightmillError) {
    var sources: [(name: String, templates: ChatTemplates)] = []
    func found(_ name: String, _ templates: ChatTemplates) {
      if templates != ChatTemplates() { sources.append((name, templates)) }
    }
    found("chat_template.jinja", try Self.files(folder))
    found(
      "tokenizer_config.json",
      try Self(settings?.nonNull("chat_template"), location: folder.path("tokenizer_config.json")))
    found("chat_template.json", try Self.processor(folder))
    guard let first = sources.first else { return }
    self = first.templates
    for (name, other) in sources.dropFirst() {
      guard self.add(other) else { continue }
      notes.append(
        "\(folder.path(name)) holds another chat template than \(first.name), which counts")
    }
  }

  /// Adds templates of names that are not there yet.
  ///
  /// - Returns: Whether one was left out that differs from that of the same name.
  private mutating func add(_ other: ChatTemplates) -> Bool {
    if main == nil { main = other.main }
    var differs = other.main.map { $0 != main } ?? false
    for template in other.named {
      if let present = named.first(where: { $0.name == template.name }) {
        differs = differs || present != template
      } else {
        named.append(template)
      }
    }
    return differs
  }

  /// Reads the templates of a file: a Jinja text, or JSON with a member `chat_template`.
  ///
  /// - Parameter path: The file; it is JSON if its name ends in `.json`.
  /// - Throws: `malformed` for what is no template, `noInput` for a file without one; `refused` for more
  ///   than any model has.
  package init(file path: String) throws(WeightmillError) {
    guard path.lowercased().hasSuffix(".json") else {
      self.init()
      main = try Self.text(path)
      return
    }
    try self.init(TextInput.json(path).object?.nonNull("chat_template"), location: path)
    guard self != ChatTemplates() else {
      throw WeightmillError(.noInput, path, "has no chat_template", remedy: "give another file")
    }
  }

  /// `chat_template.jinja`, and the folder of named ones.
  private static func files(_ folder: Folder) throws(WeightmillError) -> ChatTemplates {
    var result = ChatTemplates()
    if folder.contains("chat_template.jinja") {
      result.main = try text(folder.path("chat_template.jinja"))
    }
    for name in try namedFiles(folder) {
      result.named.append(
        Named(
          name: String(name.dropLast(".jinja".count)),
          text: try text("\(folder.path(folderName))/\(name)")))
    }
    return result
  }

  /// The names of the files of named templates.
  package static func namedFiles(_ folder: Folder) throws(WeightmillError) -> [String] {
    guard folder.contains(folderName), Folder.isFolder(folder.path(folderName)) == true else {
      return []
    }
    let names = try Folder(folder.path(folderName)).names.filter {
      $0.utf8.count > 6 && $0.utf8.suffix(6).elementsEqual(".jinja".utf8)
    }
    try checkCount(names.count, folder.path(folderName))
    return names
  }

  private static func text(_ path: String) throws(WeightmillError) -> String {
    try FileKind.refusePlaceholder(path, isTemplate: true)
    let file = try InputFile(path)
    guard file.byteCount <= maximumBytes,
      let text = String(
        validating: try file.bytes(at: 0, count: file.byteCount), as: UTF8.self)
    else {
      throw WeightmillError(.malformed, file.path, "is no UTF-8 text of at most 1 MiB")
    }
    return text
  }

  private static func processor(_ folder: Folder) throws(WeightmillError) -> ChatTemplates {
    guard folder.contains("chat_template.json") else { return ChatTemplates() }
    let path = folder.path("chat_template.json")
    guard let object = try TextInput.json(path).object else {
      throw WeightmillError(.malformed, path, "is not a JSON object")
    }
    return try ChatTemplates(object.nonNull("chat_template"), location: path)
  }

  /// Templates as JSON has them: a text, or a list of `{"name": …, "template": …}`.
  ///
  /// - Parameters:
  ///   - json: The value; `nil` for none.
  ///   - location: The file, for messages.
  /// - Throws: `malformed` for anything else; `refused` for more than any model has.
  package init(_ json: JSONValue?, location: String) throws(WeightmillError) {
    guard let json else { return }
    func checked(_ text: String) throws(WeightmillError) -> String {
      guard text.utf8.count <= Self.maximumBytes else {
        throw WeightmillError(.malformed, location, "holds a chat template of more than 1 MiB")
      }
      return text
    }
    if let text = json.string {
      main = try checked(text)
      return
    }
    guard let list = json.array else {
      throw WeightmillError(
        .malformed, location, "has a chat_template that is neither a text nor a list of templates")
    }
    try Self.checkCount(list.count, location)
    for (index, value) in list.enumerated() {
      guard let name = value.object?["name"]?.string, (1...255).contains(name.utf8.count),
        let text = value.object?["template"]?.string
      else {
        throw WeightmillError(
          .malformed, location, "has a chat template without a name or a text",
          at: "template \(index + 1)")
      }
      guard !named.contains(where: { $0.name == name }), name != Self.mainName || main == nil else {
        throw WeightmillError(
          .malformed, location, "has two chat templates of the name \(quoted(name))")
      }
      if name == Self.mainName {
        main = try checked(text)
      } else {
        named.append(Named(name: name, text: try checked(text)))
      }
    }
  }

  private static func checkCount(_ count: Int, _ location: String) throws(WeightmillError) {
    guard count <= maximumCount else {
      throw WeightmillError(
        .refused, location, "holds \(count) chat templates; at most \(maximumCount) are read")
    }
  }
}

/// Templates in GGUF files: `tokenizer.chat_template`, and for each name in `tokenizer.chat_templates`
/// the key `tokenizer.chat_template.NAME`. Source: `add_chat_template` of gguf-py.
extension ChatTemplates {
  private static let key = "tokenizer.chat_template"
  private static let namesKey = "tokenizer.chat_templates"

  /// Reads the templates of a GGUF file.
  ///
  /// - Parameters:
  ///   - metadata: The file's metadata.
  ///   - location: The file, for messages.
  /// - Throws: `malformed` when a template is no text.
  package init(gguf metadata: GGUFMetadata, location: String) throws(WeightmillError) {
    main = metadata[Self.key]?.string
    guard let names = metadata[Self.namesKey]?.array else { return }
    try Self.checkCount(names.count, location)
    for value in names {
      guard let name = value.string, let text = metadata["\(Self.key).\(name)"]?.string else {
        throw WeightmillError(
          .malformed, location, "names a chat template that it does not hold as a text",
          at: Self.namesKey)
      }
      named.append(Named(name: name, text: text))
    }
  }

  /// The keys that a GGUF file gets, in order. Of names, letters, digits and `_` are kept; others
  /// become `_`, and of two names that become one the first counts.
  package var keys: [(name: String, value: GGUFValue)] {
    var keys: [(name: String, value: GGUFValue)] = []
    var names: [String] = []
    for template in named {
      let name = String(
        decoding: template.name.utf8.map { Self.isPlain($0) ? $0 : UInt8(ascii: "_") },
        as: UTF8.self)
      guard !names.contains(name) else { continue }
      names.append(name)
      keys.append(("\(Self.key).\(name)", .string(template.text)))
    }
    if !names.isEmpty { keys.append((Self.namesKey, .strings(names))) }
    if let main { keys.append((Self.key, .string(main))) }
    return keys
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }
}
