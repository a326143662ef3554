import WeightmillStrictJSON
package import WeightmillTensors

/// A `tokenizer.json` as the `tokenizers` package writes it, with a byte-pair model.
///
/// Everything is checked when it is read: a vocabulary that loads is sound. What text goes through
/// before and after the model is recognised, never guessed: for parts that are not known, the
/// vocabulary loads, but says why it cannot encode or decode.
package struct TokenizerJSON: Sendable {
  /// The largest file accepted, in bytes. Llama 3's takes 9 MB, Gemma 3's 33 MB.
  package static let maximumBytes = 64 << 20
  /// The most tokens accepted. Gemma 3 has 262,144.
  package static let maximumTokens = 1 << 20
  /// The most merges accepted. Gemma 3 has 514,906.
  package static let maximumMerges = 1 << 20

  /// The vocabulary.
  package let vocabulary: BPEVocabulary

  /// Reads a file.
  ///
  /// - Parameter path: The `tokenizer.json`.
  /// - Throws: `noInput`; `malformed` when it is not strict JSON or its parts contradict each
  ///   other; `unsupported` for models other than BPE.
  package init(path: String) throws(WeightmillError) {
    try self.init(try Self.bytes(path: path), location: path)
  }

  /// A file's bytes, if they are not too many.
  static func bytes(path: String) throws(WeightmillError) -> [UInt8] {
    let file = try InputFile(path)
    guard file.byteCount <= maximumBytes else {
      throw WeightmillError(
        .malformed, path,
        "is \(file.byteCount) bytes long; at most \(maximumBytes) are expected")
    }
    return try file.bytes(at: 0, count: file.byteCount)
  }

  /// Reads a file's text.
  ///
  /// - Parameters:
  ///   - bytes: The text, UTF-8.
  ///   - location: The file it comes from, for messages.
  /// - Throws: As `init(path:)`.
  package init(_ bytes: [UInt8], location: String) throws(WeightmillError) {
    try self.init(try TokenizerSections(bytes, location: location), location: location)
  }

  /// Takes a file's parts.
  init(_ sections: TokenizerSections, location: String) throws(WeightmillError) {
    if let version = sections.members["version"], version != .null, version != .string("1.0") {
      throw WeightmillError(
        .unsupported, location, "has a version other than 1.0: \(quoted(version.description))")
    }
    let model = try BPEModelReader(sections, location: location)
    let added = try AddedTokenReader(sections.members["added_tokens"], model, location: location)
    let pipeline = PipelineReader(
      members: sections.members, location: location, count: added.tokens.count)
    let preparation = try Self.orObstacle(try pipeline.preparation())
    let template = try Self.orObstacle(try pipeline.template())
    let decoder = try Self.orObstacle(try pipeline.decoder())
    let (before, after) = (template.value?.before ?? [], template.value?.after ?? [])
    var special = Vocabulary.Special(
      bos: before.first, eos: after.last, unknown: model.rules.unknown)
    special.addsBOS = !before.isEmpty
    special.addsEOS = !after.isEmpty
    special.addsSpacePrefix = false
    vocabulary = BPEVocabulary(
      vocabulary: Vocabulary(tokens: added.tokens, special: special), merges: model.merges,
      addedTokens: added.added, rules: model.rules,
      modelObstacle: model.obstacle ?? template.obstacle,
      preparationObstacle: preparation.obstacle, decodingObstacle: decoder.obstacle,
      location: location,
      preparation: preparation.value ?? TextPreparation(),
      template: template.value ?? TextTemplate(), decoder: decoder.value ?? nil,
      onlyAdded: added.onlyAdded,
      hasTemplate: sections.members["post_processor"].map { $0 != .null } ?? false)
  }

  /// The value that was read, or the reason why it is not supported; other errors are thrown.
  private static func orObstacle<Value>(
    _ read: @autoclosure () throws(WeightmillError) -> Value
  ) throws(WeightmillError) -> (value: Value?, obstacle: WeightmillError?) {
    do throws(WeightmillError) {
      return (try read(), nil)
    } catch {
      guard error.code == .unsupported else { throw error }
      return (nil, error)
    }
  }
}
