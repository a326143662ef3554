import WeightmillStrictJSON
import WeightmillTensors

/// The model of a `tokenizer.json`: vocabulary, merges, rules.
struct BPEModelReader {
  /// The texts by id; `nil` where an id is not used.
  let texts: [String?]
  /// The ids by text.
  let ids: [TensorName: Int32]
  let merges: [BPEVocabulary.Merge]
  let rules: BPEVocabulary.Rules
  /// Why words cannot be encoded, though the vocabulary is sound.
  let obstacle: WeightmillError?

  /// How many ids may be unused: as many as are used, and these.
  static let spareGaps = 1000

  init(_ sections: TokenizerSections, location: String) throws(WeightmillError) {
    let fields = JSONFields(sections.model, location, "model")
    try Self.checkType(fields)
    guard let entries = sections.vocabulary else {
      throw fields.error(.malformed, "has no object \"vocab\"")
    }
    guard let pairs = sections.merges else {
      throw fields.error(.malformed, "has no array \"merges\"")
    }
    (texts, ids) = try Self.table(of: entries, location: location)
    merges = try Self.merges(pairs, ids, location: location)
    var rules = BPEVocabulary.Rules()
    if fields.has("unk_token") {
      let text = try fields.text("unk_token")
      guard let id = ids[TensorName(text)] else {
        throw fields.error(
          .malformed, "names the unknown token \(quoted(text)), which is not in the vocabulary")
      }
      rules.unknown = Int(id)
    }
    rules.fusesUnknown = try fields.flag("fuse_unk", orElse: false)
    rules.fallsBackToBytes = try fields.flag("byte_fallback", orElse: false)
    rules.takesWholeWords = try fields.flag("ignore_merges", orElse: false)
    self.rules = rules
    obstacle = try Self.obstacle(fields)
  }

  private static func checkType(_ fields: JSONFields) throws(WeightmillError) {
    guard fields.has("type") else {
      throw fields.error(.malformed, "does not say of which type it is")
    }
    let type = try fields.text("type")
    guard type == "BPE" else {
      throw WeightmillError(
        .unsupported, fields.location, "holds a vocabulary of the kind \(quoted(type))",
        remedy: "of tokenizer.json files, Weightmill reads those of the kind BPE")
    }
  }

  /// Rules that no vocabulary of the family uses.
  private static func obstacle(_ fields: JSONFields) throws(WeightmillError) -> WeightmillError? {
    for name in ["continuing_subword_prefix", "end_of_word_suffix"] where fields.has(name) {
      let text = try fields.text(name)
      if !text.isEmpty {
        return fields.error(.unsupported, "marks parts of words with \(quoted(text))")
      }
    }
    return try fields.number("dropout") ?? 0 == 0
      ? nil : fields.error(.unsupported, "leaves out merges at random (\"dropout\")")
  }

  // MARK: Vocabulary

  private static func table(
    of entries: [TokenizerSections.Entry], location: String
  ) throws(WeightmillError) -> ([String?], [TensorName: Int32]) {
    guard let last = entries.map(\.id).max() else {
      throw WeightmillError(.malformed, location, "has an empty vocabulary")
    }
    try checkDensity(last: Int(last), count: entries.count, location: location)
    var texts = [String?](repeating: nil, count: Int(last) + 1)
    var ids: [TensorName: Int32] = [:]
    ids.reserveCapacity(entries.count)
    for entry in entries {
      guard texts[Int(entry.id)] == nil else {
        throw WeightmillError(
          .malformed, location,
          "gives the id \(entry.id) to two tokens: "
            + "\(quoted(texts[Int(entry.id)] ?? "", limit: 40)) and \(quoted(entry.text, limit: 40))"
        )
      }
      texts[Int(entry.id)] = entry.text
      ids[TensorName(entry.text)] = entry.id
    }
    return (texts, ids)
  }

  /// An array has an element for each id up to the last one.
  static func checkDensity(last: Int, count: Int, location: String) throws(WeightmillError) {
    guard last < 2 * count + spareGaps else {
      throw WeightmillError(
        .malformed, location, "has only \(count) tokens, but an id \(last)")
    }
  }

  // MARK: Merges

  private static func merges(
    _ pairs: [TokenizerSections.Pair], _ ids: [TensorName: Int32], location: String
  ) throws(WeightmillError) -> [BPEVocabulary.Merge] {
    var merges: [BPEVocabulary.Merge] = []
    merges.reserveCapacity(pairs.count)
    var seen: Set<UInt64> = []
    seen.reserveCapacity(pairs.count)
    for (index, pair) in pairs.enumerated() {
      func id(_ text: String) throws(WeightmillError) -> Int32 {
        guard let id = ids[TensorName(text)] else {
          throw WeightmillError(
            .malformed, location,
            "has a merge with \(quoted(text)), which is not in the vocabulary",
            at: "merge \(index)")
        }
        return id
      }
      let (left, right) = (try id(pair.left), try id(pair.right))
      guard seen.insert(UInt64(left) << 32 | UInt64(right)).inserted else {
        throw WeightmillError(
          .malformed, location,
          "merges \(quoted(pair.left, limit: 40)) and "
            + "\(quoted(pair.right, limit: 40)) twice", at: "merge \(index)")
      }
      let result = try id(pair.left + pair.right)
      merges.append(BPEVocabulary.Merge(left: left, right: right, result: result))
    }
    return merges
  }
}
