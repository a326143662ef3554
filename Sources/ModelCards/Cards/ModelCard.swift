package import WeightmillGGUF
import WeightmillStrictJSON
package import WeightmillTensors

/// A model's card as `general.*` keys: what its folder tells of it besides weights.
///
/// Source: `Metadata.load` and `set_gguf_meta_model` of gguf-py (of llama-cpp-python 0.3.36).
package struct ModelCard: Sendable {
  /// What is wanted of a card.
  package struct Request: Sendable {
    let override: String?
    let name: String?
    let fallback: String
    let takesFolderName: Bool
    let parameters: Int
    let sizeLabel: String

    /// Describes a request.
    ///
    /// - Parameters:
    ///   - override: A file of the user's whose values count more than all others but the name.
    ///   - name: The name that counts in any case.
    ///   - fallback: The name of a model whose files tell none.
    ///   - takesFolderName: Whether the folder's name, and the one in its configuration, are the model's even
    ///     without a card.
    ///   - parameters: The number of the model's parameters.
    ///   - sizeLabel: The size label of a model whose card and names say none.
    package init(
      override: String?, name: String?, fallback: String, takesFolderName: Bool, parameters: Int,
      sizeLabel: String
    ) {
      self.override = override
      self.name = name
      self.fallback = fallback
      self.takesFolderName = takesFolderName
      self.parameters = parameters
      self.sizeLabel = sizeLabel
    }
  }

  private static let readme = "README.md"
  private static let generation = "generation_config.json"

  /// The keys with their values, in the order in which llama.cpp's converter writes them.
  package let keys: [(name: String, value: GGUFValue)]
  /// What a file of the model is called.
  package let fileName: ModelFileName
  /// Remarks for the user.
  package let notes: [String]

  /// Reads the card of a folder.
  ///
  /// - Parameters:
  ///   - folder: The folder with the card: of the adapter that was merged last, if one was.
  ///   - settings: The folder with the settings for sampling.
  ///   - request: What is wanted.
  /// - Throws: What reading files throws; `malformed` for an override that does not fit. A broken card is a
  ///   note.
  package init(
    card folder: Folder?, settings: Folder?, request: Request
  ) throws(WeightmillError) {
    var notes: [String] = []
    var fields = CardFields()
    if let folder, folder.contains(Self.readme) || request.takesFolderName {
      try fields.read(folder, Self.readme, parameters: request.parameters, notes: &notes)
    }
    if let settings, let json = try Self.object(settings, Self.generation, &notes) {
      fields.read(generation: json, path: settings.path(Self.generation), notes: &notes)
    }
    if let override = request.override { try fields.override(override) }
    if let name = request.name { fields.texts["name"] = name }
    fields.fill("name", request.fallback)
    fields.fill("size_label", request.sizeLabel)
    self.notes = notes
    keys = fields.keys
    fileName = ModelFileName(
      name: fields.texts["basename"] ?? fields.texts["name"] ?? request.fallback,
      sizeLabel: fields.texts["size_label"], finetune: fields.texts["finetune"],
      version: fields.texts["version"])
  }

  /// An object of JSON; `nil` with a note when the file holds none.
  fileprivate static func object(
    _ folder: Folder, _ name: String, _ notes: inout [String]
  ) throws(WeightmillError) -> JSONObject? {
    guard folder.contains(name) else { return nil }
    do throws(WeightmillError) {
      return try JSONParser.parse(path: folder.path(name)).object
    } catch {
      guard error.code == .malformed else { throw error }
      notes.append("what \(name) says of the model is left out: \(error)")
      return nil
    }
  }
}

extension CardFields {
  /// Reads the card, the name in the configuration and the folder's own, the first of which counts.
  fileprivate mutating func read(
    _ folder: Folder, _ readme: String, parameters: Int, notes: inout [String]
  ) throws(WeightmillError) {
    if folder.contains(readme) {
      let path = folder.path(readme)
      if let card = try FrontMatter.read(path, notes: &notes) {
        read(card, parameters: parameters, path: path, notes: &notes)
      }
    }
    // More than one slash: a path on somebody's computer.
    if let id = try ModelCard.object(folder, "config.json", &notes)?["_name_or_path"]?.string,
      !id.isEmpty, id.utf8.count(where: { $0 == UInt8(ascii: "/") }) <= 1
    {
      fill(ModelName(id, parameters: parameters))
    }
    if let id = Self.id(of: folder.path) { fill(ModelName(id, parameters: parameters)) }
  }

  /// The name of a folder; of a model on a hub, `hf://OWNER/NAME@REVISION`, with its owner.
  private static func id(of path: String) -> String? {
    if path.prefix(5).lowercased() == "hf://" {
      let parts = path.dropFirst(5).split(separator: "/")
      return parts.count < 2 ? nil : "\(parts[0])/\(parts[1].prefix { $0 != "@" })"
    }
    guard let name = path.split(separator: "/").last, name != ".", name != ".." else { return nil }
    return String(name)
  }

  /// The keys, in order. Empty texts and lists are not written.
  fileprivate var keys: [(name: String, value: GGUFValue)] {
    var keys: [(name: String, value: GGUFValue)] = []
    func add(_ name: String, _ text: String?) {
      if let text, !text.isEmpty { keys.append(("general.\(name)", .string(text))) }
    }
    func add(_ name: String, _ sources: [Source]?) {
      guard let sources else { return }
      keys.append(("general.\(name).count", .uint32(UInt32(clamping: sources.count))))
      for (number, source) in sources.enumerated() {
        for field in source { add("\(name).\(number).\(field.name)", field.value) }
      }
    }
    func add(_ name: String, _ list: [String]?) {
      if let list, !list.isEmpty { keys.append(("general.\(name)", .strings(list))) }
    }
    add("sampling.sequence", sequence)
    for (name, isInteger) in Self.samplers {
      guard let number = sampling[name] else { continue }
      keys.append(
        ("general.sampling.\(name)", isInteger ? .int32(Int32(number)) : .float32(Float(number))))
    }
    for name in Self.names + Self.sources { add(name, texts[name]) }
    add("base_model", baseModels)
    add("dataset", datasets)
    add("tags", tags)
    add("languages", languages)
    return keys
  }
}
