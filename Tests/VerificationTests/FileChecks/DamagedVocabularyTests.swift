import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport
import WeightmillVerification

/// What is wrong with a file's vocabulary is found, and nothing besides.
struct DamagedVocabularyTests {
  private let files: CheckedFiles

  init() throws { files = try CheckedFiles() }

  private func small(
    hasReference: Bool = true, _ change: (inout GGUFMetadata) -> Void
  ) throws -> [Finding] {
    let model = try ModelLoader.load(SmallModel().write(to: files.folder, "small"))
    return try files.findings(model, .f16, hasReference: hasReference) { change(&$0.metadata) }
  }

  private func edit(
    _ metadata: inout GGUFMetadata, _ name: String, _ change: (inout [GGUFValue]) -> Void
  ) {
    guard case .array(let kind, var values)? = metadata["tokenizer.ggml.\(name)"] else {
      Issue.record("no list tokenizer.ggml.\(name)")
      return
    }
    change(&values)
    metadata["tokenizer.ggml.\(name)"] = .array(kind, values)
  }

  @Test func anotherNumberOfTokensThanRowsIsAnError() throws {
    let found = try small { metadata in
      for name in ["tokens", "scores", "token_type"] { edit(&metadata, name) { $0.removeLast() } }
    }
    #expect(found.map(\.check) == ["vocabulary"])
    #expect(
      found.first?.message.contains("299 tokens for 300 rows of token_embd.weight") == true)
  }

  /// Padded rows have tokens that are never used; one that has a text is told of.
  @Test func aTokenThatTheReferenceDoesNotHaveIsAWarning() throws {
    let tall = try ModelLoader.load(SmallModel(rows: 310).write(to: files.folder, "tall"))
    let small = try ModelLoader.load(SmallModel(rows: 300).write(to: files.folder, "small"))
    func findings(_ isNamed: Bool) throws -> [Finding] {
      _ = try files.findings(tall, .f16, hasReference: false) { file in
        guard isNamed else { return }
        edit(&file.metadata, "token_type") { $0[305] = .int32(4) }
      }
      return try CheckedFiles.check(ModelLoader.load(files.folder("changed.gguf")), small)
    }
    let padded = try findings(false)
    #expect(padded.map(\.severity) == [.note])
    #expect(padded[0].message.contains("rows is 310, the reference's 300"))
    let named = try findings(true)
    let warning = try #require(named.first { $0.severity == .warning })
    #expect(warning.message.contains("only here is 305"))
    #expect(!named.contains { $0.severity == .error })
  }

  /// llama.cpp's assertion: id_to_token.size() == token_to_id.size().
  @Test func repeatedTextsAreErrors() throws {
    let found = try small(hasReference: false) { metadata in
      edit(&metadata, "tokens") { $0[290] = $0[280] }
    }
    found.only("vocabulary", .error, containing: "ids 280 and 290")
    #expect(found.count == 1)
  }

  @Test func otherTextsThanTheReferencesAreErrors() throws {
    let found = try small { metadata in
      edit(&metadata, "tokens") { tokens in
        tokens[270] = .string("one\nline\u{202E}")
        tokens[271] = .string("two")
      }
    }
    found.only("vocabulary", .error, containing: "2 tokens have other texts")
    #expect(found[0].message.contains("270, \"one\\u{a}line\\u{202e}\" where the reference has"))
  }

  @Test func missingByteTokensAreAWarning() throws {
    let found = try small(hasReference: false) { metadata in
      edit(&metadata, "token_type") { $0[3 + 10] = .int32(1) }
    }
    found.only(
      "vocabulary", .warning, containing: "1 of 256 byte tokens are missing, the first <0x0A>")
    #expect(found.count == 1)
  }

  @Test func missingListsAreWarnings() throws {
    try small(hasReference: false) { $0["tokenizer.ggml.scores"] = nil }
      .only("vocabulary", .warning, containing: "tokenizer.ggml.scores is missing")
    let found = try small(hasReference: false) { $0["tokenizer.ggml.token_type"] = nil }
    #expect(found.contains { $0.message.contains("tokenizer.ggml.token_type is missing") })
    #expect(found.severities == ["warning"])
  }

  @Test func aVocabularyThatIsMissingOrUnknownIsAnError() throws {
    try small(hasReference: false) { $0["tokenizer.ggml.model"] = nil }
      .only("vocabulary", .error, containing: "tokenizer.ggml.model is missing")
    try small(hasReference: false) { $0["tokenizer.ggml.model"] = .string("non\u{1B}sense") }
      .only("vocabulary", .error, containing: "which llama.cpp does not know")
    try small(hasReference: false) { $0["tokenizer.ggml.tokens"] = nil }
      .only("vocabulary", .error, containing: "tokenizer.ggml.tokens is missing")
    try small(hasReference: false) { $0["tokenizer.ggml.model"] = .string("none") }
      .only("vocabulary", .warning, containing: "there is no vocabulary")
  }

  @Test func otherScoresAndTypesThanTheReferencesAreWarnings() throws {
    // Mini-ziya: small models have no normal tokens.
    let scores = try files.findings(.q4_0) { file in
      edit(&file.metadata, "scores") { $0[1000] = .float32(5) }
    }
    scores.only("vocabulary", .warning, containing: "1 tokens have other scores")
    let types = try small { metadata in edit(&metadata, "token_type") { $0[280] = .int32(4) } }
    types.only("vocabulary", .warning, containing: "userDefined where the reference has unused")
  }

  @Test func otherSpecialTokensThanTheReferencesAreFound() throws {
    let found = try small { $0["tokenizer.ggml.eos_token_id"] = .uint32(280) }
    #expect(found.map(\.severity) == [.warning, .error])
    #expect(found[0].message.contains("which is a token of type 5, not control (3)"))
    #expect(found[1].message.contains("the EOS token is 280, the reference's 2"))
    try small { $0["tokenizer.ggml.add_bos_token"] = .bool(false) }
      .only("special-tokens", .error, containing: "add_bos_token is false, the reference's true")
  }

  @Test func aMissingChatTemplateIsAWarning() throws {
    let found = try files.findings(.q4_0) { $0.metadata["tokenizer.chat_template"] = nil }
    found.only("chat-template", .warning, containing: "the reference has one")
    #expect(found.count == 1)
    let other = try files.findings(.q4_0) { $0.metadata["tokenizer.chat_template"] = .string("x") }
    other.only("chat-template", .note)
  }
}
