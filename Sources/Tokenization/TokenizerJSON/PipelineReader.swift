import WeightmillStrictJSON
import WeightmillTensors

/// A reader of what a `tokenizer.json` does to text before and after the model.
///
/// Types and names are checked (`malformed`); parts that are not known are `unsupported`, with
/// their name.
struct PipelineReader {
  /// The sections of the file, by name.
  let members: [String: JSONValue]
  /// The file, for messages.
  let location: String
  /// The number of tokens.
  let count: Int

  private func steps(_ name: String, in list: String) throws(WeightmillError) -> [JSONFields] {
    try JSONFields.steps(of: members[name], in: list, location, name)
  }

  private func unknown(_ fields: JSONFields) throws(WeightmillError) -> WeightmillError {
    fields.error(
      .unsupported,
      "prepares or completes text with \(quoted(try fields.text("type"))), "
        + "which Weightmill does not know")
  }

  // MARK: Before the model

  /// Reads normalizers and pre-tokenizers.
  func preparation() throws(WeightmillError) -> TextPreparation {
    var preparation = TextPreparation()
    for fields in try steps("normalizer", in: "normalizers") {
      preparation.normalizers.append(try normalizer(fields))
    }
    for fields in try steps("pre_tokenizer", in: "pretokenizers") {
      preparation.preTokenizers.append(try preTokenizer(fields))
    }
    guard preparation.normalizers.count <= TextNormalizer.maximumSteps,
      preparation.preTokenizers.count <= PreTokenizer.maximumSteps
    else {
      throw WeightmillError(
        .unsupported, location,
        "prepares text in more than \(PreTokenizer.maximumSteps) steps of a kind")
    }
    try checkMarks(preparation)
    return preparation
  }

  /// A mark before the first word only: which word is the first is a matter of where in the
  /// original text it lies, which is not followed through steps that change the text's length.
  private func checkMarks(_ preparation: TextPreparation) throws(WeightmillError) {
    let index = preparation.preTokenizers.lastIndex {
      if case .metaspace(_, prepends: .first, _) = $0 { true } else { false }
    }
    let keepsLength = preparation.normalizers.allSatisfy {
      if case .replace(let old, let new) = $0 { old.count == 1 && new.count == 1 } else { false }
    }
    guard let index, index > 0 || !keepsLength else { return }
    throw WeightmillError(
      .unsupported, location, "puts a mark before the first word only, but not as the first step",
      at: "pre_tokenizer")
  }

  private func normalizer(_ fields: JSONFields) throws(WeightmillError) -> TextNormalizer {
    switch try fields.text("type") {
    case "NFC": return .canonical(composes: true)
    case "NFD": return .canonical(composes: false)
    case "Lowercase": return .lowercase
    case "Prepend":
      return .prepend(try fields.scalars("prepend", limit: TextNormalizer.maximumText))
    case "Replace":
      let (old, new) = try replacement(fields)
      return .replace(old, with: new)
    default: throw try unknown(fields)
    }
  }

  /// The texts of a step that replaces one with another.
  private func replacement(
    _ fields: JSONFields
  ) throws(WeightmillError) -> ([Unicode.Scalar], [Unicode.Scalar]) {
    let pattern = try pattern(fields)
    guard case .literal(let old) = pattern else {
      throw fields.error(.unsupported, "replaces what a regular expression matches")
    }
    return (old, try fields.scalars("content", limit: TextNormalizer.maximumText))
  }

  private func preTokenizer(_ fields: JSONFields) throws(WeightmillError) -> PreTokenizer {
    switch try fields.text("type") {
    case "ByteLevel":
      return .byteLevel(
        addsSpace: try fields.flag("add_prefix_space", orElse: true),
        splits: try fields.flag("use_regex", orElse: true))
    case "Split":
      return .split(
        try pattern(fields), try fields.choice("behavior", orElse: .isolated),
        isInverted: try fields.flag("invert", orElse: false))
    case "Digits": return .digits(each: try fields.flag("individual_digits", orElse: false))
    case "Metaspace":
      let (mark, prepends) = try metaspace(fields)
      return .metaspace(
        mark: mark, prepends: prepends, splits: try fields.flag("split", orElse: true))
    default: throw try unknown(fields)
    }
  }

  /// The pattern of a step: a text, or a regular expression that is known.
  private func pattern(_ fields: JSONFields) throws(WeightmillError) -> SplitPattern {
    let pattern = try JSONFields(fields["pattern"], location, fields.position)
    if pattern.has("String") {
      let literal = try pattern.scalars("String", limit: TextNormalizer.maximumText)
      guard !literal.isEmpty else { throw fields.error(.unsupported, "looks for an empty text") }
      return .literal(literal)
    }
    let text = try pattern.text("Regex")
    guard let known = SplitPattern(regularExpression: text) else {
      throw WeightmillError(
        .unsupported, location,
        "cuts text with a regular expression that Weightmill does not know: \(quoted(text))",
        at: fields.position)
    }
    return known
  }

  private func metaspace(
    _ fields: JSONFields
  ) throws(WeightmillError) -> (Unicode.Scalar, PreTokenizer.Prepending) {
    let mark = try fields.scalars("replacement", limit: 1)
    guard let mark = mark.first else {
      throw fields.error(.malformed, "has an empty \"replacement\"")
    }
    // Older files only say whether there is a mark.
    let other: PreTokenizer.Prepending =
      try fields.flag("add_prefix_space", orElse: true) ? .always : .never
    return (mark, try fields.choice("prepend_scheme", orElse: other))
  }

  // MARK: After the model

  /// The ids around a text.
  func template() throws(WeightmillError) -> TextTemplate {
    var template = TextTemplate()
    for fields in try steps("post_processor", in: "processors") {
      switch try fields.text("type") {
      case "ByteLevel": continue
      case "TemplateProcessing":
        let own = try self.template(fields)
        template.before = own.before + template.before
        template.after += own.after
      default: throw try unknown(fields)
      }
    }
    return template
  }

  private func template(_ fields: JSONFields) throws(WeightmillError) -> TextTemplate {
    var template = TextTemplate()
    var hasText = false
    let special = try JSONFields(
      fields["special_tokens"], location, fields.position)
    for piece in try fields.array("single") {
      let piece = try JSONFields(piece, location, fields.position)
      if let token = piece["SpecialToken"] {
        let name = try JSONFields(token, location, fields.position).text("id")
        let ids = try ids(of: name, special)
        if hasText { template.after += ids } else { template.before += ids }
        guard template.before.count + template.after.count <= TextTemplate.maximumCount else {
          throw fields.error(
            .unsupported, "puts more than \(TextTemplate.maximumCount) tokens around a text")
        }
      } else {
        let sequence = try JSONFields(piece["Sequence"], location, fields.position)
        guard try sequence.text("id") == "A", !hasText else {
          throw fields.error(.unsupported, "has a template that does not hold the text once")
        }
        hasText = true
      }
    }
    guard hasText else { throw fields.error(.unsupported, "has a template without the text") }
    return template
  }

  private func ids(
    of name: String, _ special: JSONFields
  ) throws(WeightmillError) -> [Int] {
    guard let token = special[name] else {
      throw special.error(.malformed, "has a template with \(quoted(name)), but no ids for it")
    }
    var ids: [Int] = []
    for value in try JSONFields(token, location, special.position).array("ids") {
      guard let id = value.integer, (0..<count).contains(id) else {
        throw special.error(
          .malformed, "has a template with an id of \(quoted(name)) that is not in the vocabulary")
      }
      ids.append(id)
    }
    return ids
  }

  /// The steps that make text of tokens; `nil` where there are none.
  func decoder() throws(WeightmillError) -> [TextDecoder]? {
    guard let value = members["decoder"], value != .null else { return nil }
    var decoders: [TextDecoder] = []
    for fields in try steps("decoder", in: "decoders") { decoders.append(try decoder(fields)) }
    guard decoders.count <= TextNormalizer.maximumSteps else {
      throw WeightmillError(
        .unsupported, location, "decodes in more than \(TextNormalizer.maximumSteps) steps")
    }
    return decoders
  }

  private func decoder(_ fields: JSONFields) throws(WeightmillError) -> TextDecoder {
    switch try fields.text("type") {
    case "ByteLevel": return .byteLevel
    case "ByteFallback": return .byteFallback
    case "Fuse": return .fuse
    case "Replace":
      let (old, new) = try replacement(fields)
      return .replace(old, with: new)
    case "Strip":
      guard let scalar = try fields.scalars("content", limit: 1).first else {
        throw fields.error(.malformed, "has an empty \"content\"")
      }
      return .strip(
        scalar, start: try fields.count("start", orElse: 0),
        end: try fields.count("stop", orElse: 0))
    case "Metaspace":
      let (mark, prepends) = try metaspace(fields)
      return .metaspace(mark: mark, dropsFirst: prepends != .never)
    default: throw try unknown(fields)
    }
  }
}
