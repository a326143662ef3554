import WeightmillGGUF
import WeightmillTensors
import WeightmillTokenization

/// Whether the vocabulary in a GGUF file is one that llama.cpp can use.
///
/// It looks at the metadata itself, so that vocabularies that Weightmill cannot use are checked, too.
struct VocabularyCheck {
  private let metadata: GGUFMetadata
  private let rows: Int
  private let texts: [String]
  private let kinds: [Int]?
  private let model: ModelTokenizer.Kind?

  /// The kinds of vocabulary that llama.cpp knows.
  private static let models: Set<String> = [
    "llama", "gpt2", "bert", "t5", "rwkv", "plamo2", "gemma4", "hybriddna", "whitespace", "none",
    "no_vocab",
  ]

  /// Checks the vocabulary of a model.
  ///
  /// - Parameters:
  ///   - metadata: The metadata.
  ///   - rows: The rows of the embedding matrix.
  init(_ metadata: GGUFMetadata, rows: Int) {
    self.metadata = metadata
    self.rows = rows
    texts = metadata["tokenizer.ggml.tokens"]?.array?.map { $0.string ?? "" } ?? []
    kinds = metadata["tokenizer.ggml.token_type"]?.array?.map { $0.integer ?? 0 }
    model = metadata["tokenizer.ggml.model"]?.string.flatMap(ModelTokenizer.Kind.init)
  }

  /// Adds what is found.
  func check(_ findings: inout FindingList) {
    guard let model = metadata["tokenizer.ggml.model"]?.string else {
      findings.error(
        "vocabulary",
        "tokenizer.ggml.model is missing: llama.cpp refuses the file; convert the "
          + "model again with its tokenizer beside it")
      return
    }
    guard Self.models.contains(model) else {
      findings.error(
        "vocabulary", "tokenizer.ggml.model is \(quoted(model)), which llama.cpp does not know")
      return
    }
    guard model != "none", model != "no_vocab" else {
      findings.warning("vocabulary", "there is no vocabulary: programs cannot give the model text")
      return
    }
    guard !texts.isEmpty else {
      findings.error(
        "vocabulary",
        "tokenizer.ggml.tokens is missing or empty: llama.cpp refuses the file; convert "
          + "the model again with its tokenizer beside it")
      return
    }
    if texts.count != rows {
      findings.error(
        "vocabulary",
        "there are \(texts.count) tokens for \(rows) rows of token_embd.weight: "
          + "llama.cpp refuses the file; convert it again with the tokenizer that came with it")
    }
    checkLists(&findings)
    checkPieces(&findings)
    switch self.model {
    case .sentencePiece?: checkBytes(&findings)
    case .bytePairs?: checkByteCharacters(&findings)
    case nil: break
    }
    checkRoles(&findings)
  }

  private func checkLists(_ findings: inout FindingList) {
    let wanted: [(name: String, severity: Finding.Severity)] =
      switch model {
      case .sentencePiece?: [("token_type", .warning), ("scores", .warning)]
      case .bytePairs?: [("token_type", .warning), ("merges", .error)]
      case nil: [("token_type", .warning)]
      }
    for (name, severity) in wanted {
      let key = "tokenizer.ggml.\(name)"
      guard let list = metadata[key]?.array else {
        findings.add(
          severity, "vocabulary",
          "\(key) is missing: text is cut into other tokens than the model was trained on")
        continue
      }
      if name != "merges", list.count != texts.count {
        findings.error(
          "vocabulary", "\(key) has \(list.count) elements for \(texts.count) tokens")
      }
    }
    let pre = metadata["tokenizer.ggml.pre"]?.string
    if model == .bytePairs, let pre, NamedSplit.named(pre) == nil {
      findings.warning(
        "vocabulary",
        "tokenizer.ggml.pre is \(quoted(pre)), which Weightmill does not know: llama.cpp refuses "
          + "the file if it does not know it, either")
    }
    if model == .bytePairs, pre == nil {
      findings.warning(
        "vocabulary",
        "tokenizer.ggml.pre is missing: llama.cpp cuts text into words by a default "
          + "that may not be this model's")
    }
  }

  private func checkPieces(_ findings: inout FindingList) {
    var ids: [TensorName: Int] = [:]
    ids.reserveCapacity(texts.count)
    var (repeated, first): (Int, (Int, Int)?) = (0, nil)
    // llama.cpp gives empty texts a name by their id.
    for (id, text) in texts.enumerated() where !text.isEmpty {
      if let other = ids.updateValue(id, forKey: TensorName(text)) {
        repeated += 1
        first = first ?? (other, id)
      }
    }
    guard let first else { return }
    findings.error(
      "vocabulary",
      "\(repeated) tokens have the text of another, the first \(quoted(texts[first.1]))"
        + ", ids \(first.0) and \(first.1): llama.cpp stops when it loads them; convert the model "
        + "again with the tokenizer that came with it")
  }

  private func checkBytes(_ findings: inout FindingList) {
    var found = Set<UInt8>()
    for (id, text) in texts.enumerated() where kind(id) == Vocabulary.Kind.byte.rawValue {
      if let byte = Vocabulary.Token(text: text, score: 0, kind: .byte).byte { found.insert(byte) }
    }
    guard found.count < 256,
      let missing = (UInt8.min...UInt8.max).first(where: { !found.contains($0) })
    else { return }
    let digits = String(missing, radix: 16, uppercase: true)
    findings.warning(
      "vocabulary",
      "\(256 - found.count) of 256 byte tokens are missing, the first "
        + "<0x\(missing < 16 ? "0" : "")\(digits)>: text with characters that have no token of "
        + "their own cannot be encoded; convert the model again with its tokenizer.model")
  }

  private func checkByteCharacters(_ findings: inout FindingList) {
    let known = Set(texts.lazy.filter { $0.unicodeScalars.count == 1 }.map { TensorName($0) })
    let missing = BPEVocabulary.textBytes.filter { !known.contains(TensorName($0)) }
    guard let first = missing.first else { return }
    findings.note(
      "vocabulary",
      "\(missing.count) of \(BPEVocabulary.textBytes.count) bytes that text has are no tokens, the "
        + "first \(quoted(first)) in GPT-2's alphabet: text with characters that need them loses them"
    )
  }

  /// The kind of a token: normal where the file does not say.
  private func kind(_ id: Int) -> Int32 {
    guard let kinds else { return Vocabulary.Kind.normal.rawValue }
    return kinds.indices.contains(id) ? Int32(clamping: kinds[id]) : 0
  }

  private func checkRoles(_ findings: inout FindingList) {
    let roles: [(name: String, kinds: Set<Vocabulary.Kind>)] = [
      ("bos", [.control]), ("eos", [.control]), ("unknown", [.unknown, .control]),
      ("padding", [.control, .unknown, .userDefined, .unused]),
    ]
    for role in roles {
      let key = "tokenizer.ggml.\(role.name)_token_id"
      guard let id = metadata[key]?.integer else { continue }
      guard texts.indices.contains(id) else {
        findings.error("special-tokens", "\(key) is \(id), but there are \(texts.count) tokens")
        continue
      }
      guard kinds != nil, !role.kinds.contains(where: { $0.rawValue == kind(id) }) else { continue }
      findings.warning(
        "special-tokens",
        "\(key) is \(id), \(quoted(texts[id])), which is a token of type "
          + "\(kind(id)), not \(role.name == "unknown" ? "unknown (2)" : "control (3)"): it can come "
          + "from plain text, and is printed")
    }
  }
}
