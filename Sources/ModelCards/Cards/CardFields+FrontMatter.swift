import WeightmillTensors

/// What a model card tells. The names of its members, and which comes first, are gguf-py's.
extension CardFields {
  /// Fields with the members that hold them, the first that is there counts.
  private static let members: [(field: String, names: [String])] = [
    ("name", ["name", "model_name"]), ("author", ["author", "model_author", "model_creator"]),
    ("version", ["version", "model_version"]),
    ("organization", ["organization", "model_organization"]),
    ("description", ["description", "model_description"]),
    ("finetune", ["finetune", "model_finetune"]),
    ("basename", ["basename", "model_basename", "model_type"]),
    ("size_label", ["size_label", "model_size_label"]),
    ("source.url", ["url", "model_url"]), ("source.doi", ["doi", "model_doi"]),
    ("source.uuid", ["uuid", "model_uuid"]), ("source.repo_url", ["repo_url", "model_repo_url"]),
    ("license", ["license"]), ("license.name", ["license_name"]),
    ("license.link", ["license_link"]),
  ]

  /// Reads a model card.
  ///
  /// - Parameters:
  ///   - card: The front matter.
  ///   - parameters: The number of the model's parameters.
  ///   - path: The file, for notes.
  ///   - notes: What the user should know is added here.
  mutating func read(
    _ card: YAMLValue, parameters: Int, path: String, notes: inout [String]
  ) {
    for (field, names) in Self.members {
      for name in names where texts[field] == nil {
        guard let value = card[name], !value.isNull else { continue }
        let text = field == "license" ? Self.license(value) : Self.text(value)
        guard let text else {
          notes.append("\(path): \(quoted(name)) is no text, and is left out")
          continue
        }
        texts[field] = text
      }
    }
    func sources(_ names: [String], _ notes: inout [String]) -> [Source]? {
      guard let name = names.first(where: { card[$0] != nil }), let value = card[name] else {
        return nil
      }
      return Self.sources(value, name, parameters: parameters, path: path, notes: &notes)
    }
    baseModels = sources(["base_model", "base_models", "base_model_sources"], &notes)
    datasets = sources(["datasets", "dataset", "dataset_sources"], &notes)
    for name in ["tags", "pipeline_tag"] {
      Self.append(card[name], to: &tags, name, path: path, notes: &notes)
    }
    for name in ["languages", "language"] {
      Self.append(card[name], to: &languages, name, path: path, notes: &notes)
    }
  }

  /// A text, or a number or a date as it is written.
  private static func text(_ value: YAMLValue) -> String? {
    if case .scalar(let text, let kind) = value, kind != .null, kind != .bool { text } else { nil }
  }

  /// A licence, or several with commas between them.
  private static func license(_ value: YAMLValue) -> String? {
    guard let elements = value.elements else { return text(value) }
    let texts = elements.compactMap(text)
    return texts.count == elements.count ? texts.joined(separator: ",") : nil
  }

  /// Adds a text or all texts of a list.
  private static func append(
    _ value: YAMLValue?, to list: inout [String]?, _ name: String, path: String,
    notes: inout [String]
  ) {
    guard let value, !value.isNull else { return }
    var new = list ?? []
    for value in value.elements ?? [value] {
      // `no`, `on` and numbers are words like any other here.
      guard case .scalar(let text, let kind) = value, kind != .null else {
        notes.append("\(path): \(quoted(name)) holds something that is no text, which is left out")
        continue
      }
      new.append(text)
    }
    list = new
  }

  // MARK: Base models and data sets

  private static func sources(
    _ value: YAMLValue, _ name: String, parameters: Int, path: String, notes: inout [String]
  ) -> [Source] {
    func left() {
      notes.append("\(path): \(quoted(name)) holds something that is no name, which is left out")
    }
    var sources: [Source] = []
    var values = value.elements ?? []
    if value.text != nil {
      values = [value]
    } else if value.elements == nil, !value.isNull {
      left()
    }
    for value in values {
      if let id = value.text {
        sources.append(source(id, parameters: parameters))
      } else if let members = value.members {
        sources.append(fields(members.map { ($0.name, text($0.value)) }, path, &notes))
      } else {
        left()
      }
    }
    return sources
  }

  /// The known fields of a source, in the order in which they are written.
  static func fields(
    _ members: [(name: String, value: String?)], _ path: String, _ notes: inout [String]
  ) -> Source {
    for member in members where !sourceFields.contains(member.name) || member.value == nil {
      notes.append("\(path): \(quoted(member.name)) of a base model or data set is left out")
    }
    return sourceFields.compactMap { field in
      members.last { $0.name == field }?.value.map { (field, $0) }
    }
  }

  /// A source by its name on Hugging Face, or its address.
  private static func source(_ id: String, parameters: Int) -> Source {
    let isAddress = ["http://", "https://", "ssh://"].contains { id.hasPrefix($0) }
    let known = isAddress ? nameInAddress(id) : id
    let name = known.map { ModelName($0, parameters: parameters) }
    var values: [String: String] = [:]
    values["name"] = name?.name.map(Title.of)
    values["version"] = name?.version
    values["organization"] = name?.organization.map(Title.of)
    if isAddress {
      values["repo_url"] = id
    } else if let name, let organization = name.organization, let full = name.name {
      values["repo_url"] = "https://huggingface.co/\(organization)/\(full)"
    }
    return sourceFields.compactMap { field in values[field].map { (field, $0) } }
  }

  /// `ORGANIZATION/NAME` of an address there, if it has no more parts.
  private static func nameInAddress(_ address: String) -> String? {
    for start in ["http://huggingface.co/", "https://huggingface.co/"]
    where address.hasPrefix(start) {
      let rest = address.dropFirst(start.count)
      let parts = rest.split(separator: "/", omittingEmptySubsequences: false)
      if parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) { return String(rest) }
    }
    return nil
  }
}
