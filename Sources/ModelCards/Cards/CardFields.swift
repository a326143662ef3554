import WeightmillTensors

/// What is known of a model besides its weights: the fields of gguf-py's `Metadata`, under the same names.
struct CardFields: Equatable {
  /// A base model or a data set: its own fields by name.
  typealias Source = [(name: String, value: String)]

  /// Single texts, by the end of their key: `general.name`.
  var texts: [String: String] = [:]
  /// Numbers of `general.sampling`, by their name there.
  var sampling: [String: Double] = [:]
  /// The order of samplers.
  var sequence: String?
  var baseModels: [Source]?
  var datasets: [Source]?
  var tags: [String]?
  var languages: [String]?

  static func == (a: CardFields, b: CardFields) -> Bool {
    func same(_ a: [Source]?, _ b: [Source]?) -> Bool {
      a.map { $0.map { $0.map { [$0.name, $0.value] } } }
        == b.map { $0.map { $0.map { [$0.name, $0.value] } } }
    }
    return a.texts == b.texts && a.sampling == b.sampling && a.sequence == b.sequence
      && a.tags == b.tags && a.languages == b.languages && same(a.baseModels, b.baseModels)
      && same(a.datasets, b.datasets)
  }

  /// The keys of single texts, in the order in which they are written; those before `size_label`, and it.
  static let names = [
    "name", "author", "version", "organization", "finetune", "basename", "description",
    "quantized_by", "size_label",
  ]
  /// Those behind it.
  static let sources = [
    "license", "license.name", "license.link", "url", "doi", "uuid", "repo_url", "source.url",
    "source.doi", "source.uuid", "source.repo_url",
  ]
  /// The fields of a base model or a data set, in the order in which they are written.
  static let sourceFields = [
    "name", "author", "version", "organization", "description", "url", "doi", "uuid", "repo_url",
  ]
  /// The numbers of `general.sampling`, in the order in which they are written, and which are integers.
  static let samplers: [(name: String, isInteger: Bool)] = [
    ("top_k", true), ("top_p", false), ("min_p", false), ("xtc_probability", false),
    ("xtc_threshold", false), ("temp", false), ("penalty_last_n", true), ("penalty_repeat", false),
    ("mirostat", true), ("mirostat_tau", false), ("mirostat_eta", false),
  ]

  /// Sets a text that is not there yet.
  mutating func fill(_ key: String, _ value: String?) {
    if let value, texts[key] == nil { texts[key] = value }
  }

  /// Fills in what a name tells.
  mutating func fill(_ name: ModelName) {
    fill("name", name.name.map(Title.of))
    fill("organization", name.organization.map(Title.of))
    fill("basename", name.basename)
    fill("finetune", name.finetune)
    fill("version", name.version)
    fill("size_label", name.sizeLabel)
  }
}
