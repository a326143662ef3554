package import WeightmillTensors
package import WeightmillTokenization

/// A file that holds a byte-pair vocabulary: a `tokenizer.json`, LLaMA 3's `tokenizer.model`, Mistral's
/// `tekken.json`, or a `vocab.json` with a `merges.txt` beside it.
package struct BytePairFile {
  private enum Kind {
    case json
    case tiktoken
    case tekken
    case vocabulary(merges: String)
  }

  private let path: String
  private let kind: Kind

  /// Looks at a file, or for one in a folder; `nil` when its vocabulary is of another kind.
  ///
  /// In a folder with weights the SentencePiece model comes first: it is what is written to GGUF.
  /// The weights are not looked at.
  package init?(_ path: String) throws(WeightmillError) {
    if Folder.isFolder(path) == true {
      let folder = try Folder(path)
      let first = ["tokenizer.model", "tokenizer.json"]
      let names =
        (Self.hasWeights(folder) ? first : first.reversed())
        + ["tekken.json"] + (folder.contains("merges.txt") ? ["vocab.json"] : [])
      guard let name = names.first(where: { folder.contains($0) }),
        let file = try BytePairFile(file: folder.path(name))
      else { return nil }
      self = file
    } else {
      guard let file = try BytePairFile(file: path) else { return nil }
      self = file
    }
  }

  private init?(file path: String) throws(WeightmillError) {
    self.path = path
    // By its name, too: then the message says what is wrong with the JSON.
    if path.utf8.suffix(5).elementsEqual(".json".utf8) {
      kind = Self.kind(json: path)
      return
    }
    guard try !FileKind.isKnown(path) else { return nil }
    let file = try InputFile(path)
    let head = try file.bytes(at: 0, count: min(file.byteCount, 1024))
    if TiktokenModel.isLikely(head) {
      kind = .tiktoken
    } else if head.first != 0x0A, head.first(where: { !Self.space.contains($0) }) == 0x7B {
      // A SentencePiece model begins with a line end, and may go on with a brace.
      kind = .json
    } else {
      return nil
    }
  }

  private static func kind(json path: String) -> Kind {
    let (name, folder) =
      path.utf8.lastIndex(of: UInt8(ascii: "/")).map {
        (String(path[path.index(after: $0)...]), String(path[...$0]))
      } ?? (path, "")
    switch name {
    case "tekken.json": return .tekken
    case "vocab.json": return .vocabulary(merges: "\(folder)merges.txt")
    default: return .json
    }
  }

  private static let space: [UInt8] = [0x20, 0x09, 0x0A, 0x0D]

  private static func hasWeights(_ folder: Folder) -> Bool {
    folder.names.contains { name in
      [".safetensors", ".bin", ".pth"].contains {
        name.utf8.suffix($0.utf8.count).elementsEqual($0.utf8)
      }
    }
  }

  /// Reads the vocabulary.
  package func vocabulary() throws(WeightmillError) -> BPEVocabulary {
    try FileKind.refusePlaceholder(path)
    switch kind {
    case .json: return try TokenizerJSON(path: path).vocabulary
    case .tiktoken: return try TiktokenModel(path: path).vocabulary
    case .tekken: return try TekkenModel(path: path).vocabulary
    case .vocabulary(let merges):
      return try VocabularyAndMerges(
        vocabulary: path, merges: merges, added: [], className: nil, addsPrefixSpace: false
      ).vocabulary
    }
  }
}
