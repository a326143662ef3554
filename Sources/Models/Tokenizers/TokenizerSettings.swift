import WeightmillStrictJSON
import WeightmillTensors
import WeightmillTokenization

/// What `tokenizer_config.json` and the model's configuration say of its tokens: which have a role,
/// and what is put around a text.
struct TokenizerSettings {
  /// `tokenizer_config.json`, if there is one.
  let file: (path: String, object: JSONObject)?
  /// `special_tokens_map.json`, in which older files name what they leave open in the other.
  let map: JSONObject?
  /// The model's configuration, if it is JSON.
  let configuration: (path: String, json: JSONValue)?

  /// What the settings say of a space before a text.
  var addsPrefixSpace: Bool? { file?.object["add_prefix_space"]?.bool }

  /// The name of the tokenizer's class in transformers, without `Fast`.
  var className: String? {
    guard let name = file?.object["tokenizer_class"]?.string else { return nil }
    return name.hasSuffix("Fast") ? String(name.dropLast(4)) : name
  }

  /// The added tokens that the settings list: the ids and what is said of each.
  func addedTokens() throws(WeightmillError) -> [(id: Int, object: JSONObject)] {
    guard let file, let decoder = file.object["added_tokens_decoder"]?.object else { return [] }
    var tokens: [(id: Int, object: JSONObject)] = []
    for member in decoder.members {
      guard let id = Int(member.name), String(id) == member.name,
        let object = member.value.object, object["content"]?.string != nil
      else {
        throw WeightmillError(
          .malformed, file.path, "added_tokens_decoder entry \(quoted(member.name)) is malformed")
      }
      tokens.append((id, object))
    }
    return tokens
  }

  /// Names the tokens with a role: by their texts in the settings, or else by the configuration's
  /// ids, unless these contradict the tokenizer; or else as the tokenizer itself does.
  ///
  /// - Parameters:
  ///   - vocabulary: The vocabulary.
  ///   - surplus: The tokens that were left out of it.
  ///   - path: The tokenizer's file, for messages.
  ///   - template: What a `tokenizer.json` says is put around a text; it comes before the settings.
  ///   - isSentencePiece: Whether the vocabulary tells all its roles, and which token is unknown.
  /// - Returns: What the user should know.
  /// - Throws: `mismatch` when a token that is named is not in the vocabulary.
  func apply(
    to vocabulary: inout Vocabulary, without surplus: SurplusTokens, path: String,
    template: Vocabulary.Special? = nil, isSentencePiece: Bool
  ) throws(WeightmillError) -> [String] {
    var roles = RoleNames(self, vocabulary, surplus)
    var special = vocabulary.special
    for role in Vocabulary.Role.allCases where role != .unknown || !isSentencePiece {
      special[role] = try roles.id(of: role) ?? special[role]
    }
    if let template {
      for id in [template.addsBOS ? template.bos : nil, template.addsEOS ? template.eos : nil] {
        guard let id, !vocabulary.tokens.indices.contains(id) else { continue }
        throw WeightmillError(
          .mismatch, path,
          "is beside a tokenizer.json that puts token \(id) around a text, which is not in the "
            + "vocabulary", remedy: "use the tokenizer that came with the model")
      }
      // What the template puts around a text is there, whatever else the settings name.
      (special.addsBOS, special.addsEOS) = (template.addsBOS, template.addsEOS)
      if template.addsBOS { special.bos = template.bos }
      if template.addsEOS { special.eos = template.eos }
    } else {
      special.addsBOS = file?.object["add_bos_token"]?.bool ?? special.addsBOS
      special.addsEOS = file?.object["add_eos_token"]?.bool ?? special.addsEOS
    }
    applyExceptions(to: &special, count: vocabulary.tokens.count)
    // llama.cpp would take another one for a token that there is not.
    if special.bos == nil { special.addsBOS = false }
    if special.eos == nil { special.addsEOS = false }
    vocabulary.special = special
    return roles.notes(special, tokenizer: path)
  }

  /// Two sizes of vocabulary of which llama.cpp's converter knows more than their files say: Code
  /// Llama's, and that of SmolLM and of small Granite models.
  private func applyExceptions(to special: inout Vocabulary.Special, count: Int) {
    switch count {
    case 32_016: special.gap = .codeLlama
    case 49_152: special.addsBOS = false
    default: break
    }
  }
}
