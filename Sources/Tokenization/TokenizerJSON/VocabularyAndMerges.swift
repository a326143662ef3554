package import WeightmillStrictJSON
package import WeightmillTensors

/// A byte-level vocabulary in two files, `vocab.json` and `merges.txt`, as GPT-2 was published, and
/// what the tokenizer's settings add.
///
/// The files do not say how text is cut. The tokenizer's class in transformers does: GPT-2's way, or
/// Qwen2's.
package struct VocabularyAndMerges: Sendable {
  /// The vocabulary.
  package let vocabulary: BPEVocabulary

  /// A token that is not in `vocab.json`, or has a role.
  package struct Added {
    /// The token's id.
    package let id: Int
    fileprivate let value: JSONValue

    /// Takes an entry of `added_tokens_decoder`.
    ///
    /// - Parameters:
    ///   - id: The token's id.
    ///   - members: What is said of it.
    package init(id: Int, members: JSONObject) {
      var members = members
      members["id"] = .number("\(id)")
      self.id = id
      value = .object(members)
    }

    /// Takes an entry of `added_tokens.json`.
    ///
    /// - Parameters:
    ///   - id: The token's id.
    ///   - text: Its text.
    ///   - isSpecial: Whether the settings name it among the special tokens.
    package init(id: Int, text: String, isSpecial: Bool) {
      self.init(
        id: id,
        members: JSONObject(members: [
          .init(name: "content", value: .string(text)),
          .init(name: "special", value: .bool(isSpecial)),
        ]))
    }
  }

  /// Reads the files.
  ///
  /// - Parameters:
  ///   - vocabulary: The path of `vocab.json`.
  ///   - merges: The path of `merges.txt`.
  ///   - added: The added tokens.
  ///   - className: The tokenizer's class, without `Fast`; `nil`: GPT-2's.
  ///   - addsPrefixSpace: Whether a space goes before a text.
  /// - Throws: `noInput`; `malformed` when a file breaks the rules; `unsupported` when there are too
  ///   many tokens or merges.
  package init(
    vocabulary: String, merges: String, added: [Added], className: String?, addsPrefixSpace: Bool
  ) throws(WeightmillError) {
    try self.init(
      vocabulary: (try TokenizerJSON.bytes(path: vocabulary), vocabulary),
      merges: (try TokenizerJSON.bytes(path: merges), merges), added: added, className: className,
      addsPrefixSpace: addsPrefixSpace)
  }

  /// Reads the files' texts, each with its path for messages; otherwise as the other one.
  package init(
    vocabulary: (bytes: [UInt8], path: String), merges: (bytes: [UInt8], path: String),
    added: [Added], className: String?, addsPrefixSpace: Bool
  ) throws(WeightmillError) {
    var members: [String: JSONValue] = ["added_tokens": .array(added.map(\.value))]
    if className == "Qwen2Tokenizer" { members["normalizer"] = Self.step("NFC") }
    members["pre_tokenizer"] = Self.step(
      "ByteLevel", [.init(name: "add_prefix_space", value: .bool(addsPrefixSpace))])
    members["decoder"] = Self.step("ByteLevel")
    let sections = TokenizerSections(
      members: members,
      vocabulary: try TokenizerSections.vocabulary(vocabulary.bytes, location: vocabulary.path),
      merges: try Self.pairs(merges.bytes, location: merges.path), location: vocabulary.path)
    var read = try TokenizerJSON(sections, location: vocabulary.path).vocabulary
    switch className {
    case nil, "GPT2Tokenizer": break
    case "Qwen2Tokenizer":
      read.preparation.preTokenizers = [
        .split(.qwen2, .isolated, isInverted: false), .byteLevel(addsSpace: false, splits: false),
      ]
    case let name?:
      read.preparationObstacle = WeightmillError(
        .unsupported, vocabulary.path,
        "belongs to a tokenizer of the class \(quoted(name)), of which Weightmill does not know how "
          + "it cuts text", remedy: "use the model's tokenizer.json, if it has one")
    }
    self.vocabulary = read
  }

  private static func step(_ type: String, _ members: [JSONObject.Member] = []) -> JSONValue {
    .object(JSONObject(members: [.init(name: "type", value: .string(type))] + members))
  }

  /// The lines of `merges.txt`: two tokens with a space between them; the first line may be a
  /// version.
  private static func pairs(
    _ bytes: [UInt8], location: String
  ) throws(WeightmillError) -> [TokenizerSections.Pair] {
    var pairs: [TokenizerSections.Pair] = []
    let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    for (number, line) in lines.enumerated() {
      let line = line.last == 0x0D ? line.dropLast() : line
      if line.isEmpty || (number == 0 && line.starts(with: "#version".utf8)) { continue }
      guard let text = String(validating: line, as: UTF8.self),
        let pair = TokenizerSections.pair(text), !pair.left.isEmpty, !pair.right.isEmpty
      else {
        throw WeightmillError(
          .malformed, location, "has a line that is not two tokens with a space between them",
          at: "line \(number + 1)")
      }
      pairs.append(pair)
      guard pairs.count <= TokenizerJSON.maximumMerges else {
        throw WeightmillError(
          .unsupported, location, "has more than \(TokenizerJSON.maximumMerges) merges")
      }
    }
    return pairs
  }
}
