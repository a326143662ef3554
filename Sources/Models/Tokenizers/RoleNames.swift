import WeightmillStrictJSON
import WeightmillTensors
import WeightmillTokenization

/// The names that a folder's files give to tokens with a role, held against the vocabulary.
///
/// A tokenizer's own settings are taken at their word: a model may be trained with another token than
/// its vocabulary was made with. A configuration's ids are not: those of the first conversions of
/// LLaMA, and those that a library filled in by default, are another vocabulary's.
struct RoleNames {
  private let settings: TokenizerSettings
  private let vocabulary: Vocabulary
  private let surplus: SurplusTokens
  private var contradicted: [(role: Vocabulary.Role, id: Int)] = []
  private var unnamed: [String] = []

  init(
    _ settings: TokenizerSettings, _ vocabulary: Vocabulary, _ surplus: SurplusTokens
  ) {
    self.settings = settings
    self.vocabulary = vocabulary
    self.surplus = surplus
  }

  /// The token that the files name for a role; `nil` when none does.
  mutating func id(of role: Vocabulary.Role) throws(WeightmillError) -> Int? {
    if let text = settings.text(of: role) {
      if let id = index(of: text) { return id }
      // What fills up a batch is not needed to run a model.
      guard role == .padding else { throw missing(text, role) }
      if !surplus.contains(text) {
        unnamed.append(
          "\(settings.file?.path ?? "") names the \(role.textKey) \(quoted(text, limit: 40)), which is "
            + "not in the vocabulary: the model is taken for one without")
      }
      return nil
    }
    if let text = settings.mapped(role), let id = index(of: text) { return id }
    return configured(role)
  }

  private func index(of text: String) -> Int? {
    vocabulary.tokens.firstIndex { TensorName($0.text) == TensorName(text) }
  }

  private func missing(_ text: String, _ role: Vocabulary.Role) -> WeightmillError {
    let path = settings.file?.path ?? ""
    if let id = surplus.id(of: text) {
      return WeightmillError(
        .mismatch, path,
        "names the \(role.textKey) \(quoted(text)), whose id \(id) is behind the model's "
          + "\(vocabulary.tokens.count) embedding rows",
        remedy:
          "name a token that the model was trained with, or fetch the weights that were saved "
          + "after their embedding was resized")
    }
    return WeightmillError(
      .mismatch, path, "names the \(role.textKey) \(quoted(text)), which is not in the vocabulary",
      remedy: "use the tokenizer that came with the model")
  }

  /// The id that the model's configuration names; of several that end a text the first.
  private mutating func configured(_ role: Vocabulary.Role) -> Int? {
    let given = settings.configuration?.json.object?.nonNull(role.idKey)
    // -1 is how some checkpoints write "none".
    let ids = (given?.array?.compactMap(\.integer) ?? [given?.integer].compactMap(\.self)).filter {
      $0 >= 0
    }
    let fitting = ids.first { !vocabulary.contradicts($0, as: role, own: vocabulary.special) }
    if fitting == nil, let first = ids.first { contradicted.append((role, first)) }
    return fitting
  }

  /// What the user should know.
  ///
  /// - Parameters:
  ///   - special: The roles that were taken.
  ///   - path: The tokenizer's file.
  /// - Returns: The notes.
  func notes(_ special: Vocabulary.Special, tokenizer path: String) -> [String] {
    guard !contradicted.isEmpty else { return unnamed }
    func shown(_ id: Int) -> String {
      vocabulary.tokens.indices.contains(id)
        ? "\(id) (\(quoted(vocabulary.tokens[id].text, limit: 40)))" : "\(id) (no token)"
    }
    let said = contradicted.map { "\($0.role.idKey) \(shown($0.id))" }.joined(separator: ", ")
    let taken = contradicted.map {
      "\($0.role.idKey) \(special[$0.role].map(shown) ?? "none")"
    }
    return unnamed + [
      HelpTopic.specialIds.after(
        "\(settings.configuration?.path ?? "") says \(said), which \(path) contradicts; its own "
          + "count: " + taken.joined(separator: ", "))
    ]
  }
}

extension TokenizerSettings {
  /// The text of a role in `tokenizer_config.json`; an empty one names nothing.
  fileprivate func text(of role: Vocabulary.Role) -> String? {
    file.flatMap { Self.text(role, $0.object) }
  }

  /// The texts that the settings name among the special tokens, which no user's text is to become.
  var specialTexts: Set<TensorName> {
    var texts: Set<TensorName> = []
    for member in [file?.object, map].compactMap(\.self).flatMap(\.members)
    where member.name.hasSuffix("_token") || member.name.hasSuffix("_special_tokens") {
      for value in member.value.array ?? [member.value] {
        let text = value.string ?? value.object?["content"]?.string
        if let text { texts.insert(TensorName(text)) }
      }
    }
    return texts
  }

  /// The text of a role in `special_tokens_map.json`.
  fileprivate func mapped(_ role: Vocabulary.Role) -> String? {
    map.flatMap { Self.text(role, $0) }
  }

  private static func text(_ role: Vocabulary.Role, _ object: JSONObject) -> String? {
    let value = object.nonNull(role.textKey)
    guard let text = value?.string ?? value?.object?["content"]?.string, !text.isEmpty else {
      return nil
    }
    return text
  }
}
