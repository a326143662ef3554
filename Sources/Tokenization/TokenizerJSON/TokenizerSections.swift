import WeightmillStrictJSON
import WeightmillTensors

/// The parts of a `tokenizer.json` as they stand in the file: types are checked, nothing else.
struct TokenizerSections {
  /// The members next to the model: `normalizer`, `added_tokens` …
  var members: [String: JSONValue] = [:]
  /// The members of the model, but for vocabulary and merges.
  var model: [TensorName: JSONValue] = [:]
  /// The vocabulary; `nil` when it is no object or absent.
  var vocabulary: [Entry]?
  /// The merges; `nil` when they are no array or absent.
  var merges: [Pair]?
  private var hasModel = false
  private let location: String

  /// A token and its id.
  struct Entry {
    let text: String
    let id: Int32
  }

  /// Two tokens that merge.
  struct Pair {
    let left: String
    let right: String
  }

  /// Takes parts that stand in files of their own.
  init(
    members: [String: JSONValue], vocabulary: [Entry], merges: [Pair], location: String
  ) {
    self.members = members
    model = [TensorName("type"): .string("BPE")]
    self.vocabulary = vocabulary
    self.merges = merges
    hasModel = true
    self.location = location
  }

  /// Reads a file that is a vocabulary and nothing else.
  static func vocabulary(
    _ bytes: [UInt8], location: String
  ) throws(WeightmillError) -> [Entry] {
    var stream = JSONStream(bytes, file: location)
    guard stream.kind == .object || stream.kind == nil else {
      throw WeightmillError(.malformed, location, "is not a JSON object")
    }
    let entries = try readVocabulary(&stream, location: location)
    try stream.end()
    return entries
  }

  /// How many values there may be next to vocabulary and merges.
  static let maximumValues = 1 << 20
  private static let names: Set<String> = [
    "version", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder",
  ]

  /// Reads a file's text.
  init(_ bytes: [UInt8], location: String) throws(WeightmillError) {
    self.location = location
    var stream = JSONStream(bytes, file: location)
    guard stream.kind == .object || stream.kind == nil else {
      throw WeightmillError(.malformed, location, "is not a JSON object")
    }
    try stream.object { (name, stream) throws(WeightmillError) in
      if TensorName(name) == TensorName("model") {
        try readModel(&stream)
      } else {
        let value = try stream.value(limit: Self.maximumValues)
        // Other members say how texts of a batch are cut and padded.
        if Self.names.contains(name) { members[name] = value }
      }
    }
    try stream.end()
    guard hasModel else {
      throw WeightmillError(
        .malformed, location, "holds no tokenizer: it has no \"model\"",
        remedy: "give a tokenizer.json of Hugging Face's kind")
    }
  }

  private mutating func readModel(_ stream: inout JSONStream) throws(WeightmillError) {
    hasModel = true
    guard stream.kind == .object || stream.kind == nil else {
      throw WeightmillError(.malformed, location, "has a \"model\" that is not an object")
    }
    try stream.object { (name, stream) throws(WeightmillError) in
      switch (name, stream.kind) {
      case ("vocab", .object?): vocabulary = try Self.readVocabulary(&stream, location: location)
      case ("merges", .array?): merges = try readMerges(&stream)
      default:
        let value = try stream.value(limit: Self.maximumValues)
        if !["vocab", "merges"].contains(name) {
          model[TensorName(name)] = value
        }
      }
    }
  }

  private static func readVocabulary(
    _ stream: inout JSONStream, location: String
  ) throws(WeightmillError) -> [Entry] {
    var entries: [Entry] = []
    try stream.object { (text, stream) throws(WeightmillError) in
      guard let id = try stream.value(limit: 16).integer.flatMap(Int32.init(exactly:)), id >= 0
      else {
        throw WeightmillError(
          .malformed, location,
          "gives token \(quoted(text)) an id that is no integer from 0 to 2147483647")
      }
      entries.append(Entry(text: text, id: id))
      guard entries.count <= TokenizerJSON.maximumTokens else {
        throw WeightmillError(
          .unsupported, location, "has more than \(TokenizerJSON.maximumTokens) tokens")
      }
    }
    return entries
  }

  private func readMerges(_ stream: inout JSONStream) throws(WeightmillError) -> [Pair] {
    var pairs: [Pair] = []
    var first: JSONStream.Kind?
    try stream.array { (stream) throws(WeightmillError) in
      let position = "merge \(pairs.count)"
      first = first ?? stream.kind
      guard let kind = stream.kind, kind == first, kind == .string || kind == .array else {
        throw WeightmillError(
          .malformed, location, "has merges that are neither all texts nor all pairs", at: position)
      }
      let pair: Pair?
      if kind == .string {
        let text = try stream.string()
        // The first line of a merges.txt; some files hold it, too.
        if text.utf8.starts(with: "#version".utf8) { return }
        pair = Self.pair(text)
      } else {
        pair = try Self.pair(&stream)
      }
      guard let pair, !pair.left.isEmpty, !pair.right.isEmpty else {
        throw WeightmillError(
          .malformed, location, "has a merge that is not of two tokens", at: position)
      }
      pairs.append(pair)
      guard pairs.count <= TokenizerJSON.maximumMerges else {
        throw WeightmillError(
          .unsupported, location, "has more than \(TokenizerJSON.maximumMerges) merges")
      }
    }
    return pairs
  }

  /// The tokens of `"a b"`.
  static func pair(_ text: String) -> Pair? {
    let parts = text.utf8.split(separator: 0x20, omittingEmptySubsequences: false)
    guard parts.count == 2, let left = String(parts[0]), let right = String(parts[1]) else {
      return nil
    }
    return Pair(left: left, right: right)
  }

  /// The tokens of `["a", "b"]`.
  private static func pair(_ stream: inout JSONStream) throws(WeightmillError) -> Pair? {
    let texts = try stream.value(limit: 8).array?.map(\.string)
    guard let texts, texts.count == 2, let left = texts[0], let right = texts[1] else {
      return nil
    }
    return Pair(left: left, right: right)
  }
}
