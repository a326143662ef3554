import WeightmillStrictJSON
import WeightmillTensors
import WeightmillTokenization

/// What `tokenizer_config.json` and the model's configuration say of its tokens: which have a role,
/// and what is put around a text.
struct TokenizerSettings {
  /// `tokenizer_config.json`, if there is one.
  let file: (path: String, object: JSONObject)?
  /// The model's configuration, if it is JSON.
  let configuration: JSONObject?

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
  /// ids.
  ///
  /// - Parameters:
  ///   - vocabulary: The vocabulary.
  ///   - path: The tokenizer's file, for messages.
  ///   - template: What a `tokenizer.json` says is put around a text; it comes before the settings.
  ///   - namesUnknown: Whether the unknown token is one of the roles.
  /// - Throws: `mismatch` when a token that is named is not in the vocabulary.
  func apply(
    to vocabulary: inout Vocabulary, path: String, template: Vocabulary.Special? = nil,
    namesUnknown: Bool = false
  ) throws(WeightmillError) {
    var special = vocabulary.special
    let tokens = vocabulary.tokens
    special.bos = try id("bos_token", tokens, path) ?? special.bos
    special.eos = try id("eos_token", tokens, path) ?? special.eos
    special.padding = try id("pad_token", tokens, path) ?? special.padding
    if namesUnknown { special.unknown = try id("unk_token", tokens, path) ?? special.unknown }
    if let template {
      // What the template puts around a text is there, whatever else the settings name.
      (special.addsBOS, special.addsEOS) = (template.addsBOS, template.addsEOS)
      if template.addsBOS { special.bos = template.bos }
      if template.addsEOS { special.eos = template.eos }
    } else {
      special.addsBOS = file?.object["add_bos_token"]?.bool ?? special.addsBOS
      special.addsEOS = file?.object["add_eos_token"]?.bool ?? special.addsEOS
    }
    applyExceptions(to: &special, count: tokens.count)
    vocabulary.special = special
  }

  private func id(
    _ name: String, _ tokens: [Vocabulary.Token], _ path: String
  ) throws(WeightmillError) -> Int? {
    let value = file?.object.nonNull(name)
    if let text = value?.string ?? value?.object?["content"]?.string, !text.isEmpty, let file {
      guard let id = tokens.firstIndex(where: { TensorName($0.text) == TensorName(text) }) else {
        throw WeightmillError(
          .mismatch, file.path,
          "names the \(name) \(quoted(text)), which is not in the vocabulary",
          remedy: "use the tokenizer that came with the model")
      }
      return id
    }
    let given = configuration?.nonNull("\(name)_id")
    // Of several that end a text the first is the one that is written.
    guard let id = given?.integer ?? given?.array?.first?.integer else { return nil }
    // -1 is how some checkpoints write "none".
    guard id >= 0 else { return nil }
    guard id < tokens.count else {
      throw WeightmillError(
        .mismatch, path, "the configuration's \(name)_id \(id) is not in the vocabulary")
    }
    return id
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
