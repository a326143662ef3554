import Foundation
import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization

/// Folders whose files do not agree on the tokens: which one begins a text, which ones there are.
///
/// The pieces of `SmallModel` are `<unk>`, `<s>`, `</s>` and 256 bytes; rows from 259 on have none.
struct TokenRoleTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func model(_ fields: [String: String] = [:], rows: Int = 300) throws -> String {
    var model = SmallModel(rows: rows)
    model.fields = fields
    return try model.write(to: folder, "m")
  }

  private func bytePairs(
    _ fixture: String, _ fields: [String: String] = [:], rows: Int = 512
  ) throws -> String {
    let path = try model(fields, rows: rows)
    try FileManager.default.removeItem(atPath: "\(path)/tokenizer.model")
    let json = try Fixtures.bytes("\(Fixtures.package)/fixtures/tokenizers/\(fixture).json")
    try folder.write(json, to: "m/tokenizer.json")
    return path
  }

  private func metadata(_ path: String) throws -> GGUFMetadata {
    let plan = try ConversionPlan(convert: ModelLoader.load(path), to: .f16, name: "x")
    guard case .gguf(let metadata) = plan.output else { return GGUFMetadata() }
    return metadata
  }

  // MARK: Roles

  /// A configuration's ids: BOS, EOS and padding that come of them, and whether there is a note.
  private struct Case: Sendable {
    let fields: [String: String]
    var bos: Int? = 1
    var eos: Int? = 2
    var padding: Int?
    var isContradicted = true
  }

  @Test(arguments: [
    // Those of the first conversions, and the two exchanged.
    Case(fields: ["bos_token_id": "0", "eos_token_id": "1", "pad_token_id": "-1"]),
    Case(fields: ["bos_token_id": "2", "eos_token_id": "1"]),
    // Bytes, and no token at all.
    Case(fields: ["bos_token_id": "7"]), Case(fields: ["eos_token_id": "258"]),
    Case(fields: ["eos_token_id": "300"]), Case(fields: ["eos_token_id": "[0,900]"]),
    Case(fields: ["pad_token_id": "300"]), Case(fields: ["pad_token_id": "9"]),
    // What is right, and what a model may have of its own.
    Case(fields: ["bos_token_id": "1", "eos_token_id": "[2,5]"], isContradicted: false),
    Case(fields: ["eos_token_id": "[5,2]"], isContradicted: false),
    Case(fields: ["eos_token_id": "280"], eos: 280, isContradicted: false),
    Case(fields: ["pad_token_id": "0"], padding: 0, isContradicted: false),
    Case(fields: ["pad_token_id": "2"], padding: 2, isContradicted: false),
    Case(fields: ["pad_token_id": "-1", "bos_token_id": "-1"], isContradicted: false),
    Case(fields: ["bos_token_id": "null"], isContradicted: false),
  ])
  private func theTokenizersOwnRolesCountWhereIdsContradictThem(_ row: Case) throws {
    let path = try model(row.fields)
    let loaded = try ModelLoader.load(path)
    let special = try loaded.requiredTokenizer().vocabulary.special
    #expect(special.bos == row.bos && special.eos == row.eos && special.padding == row.padding)
    #expect(special.unknown == 0)
    let notes = loaded.notes.filter { $0.contains("contradicts") }
    #expect(notes.count == (row.isContradicted ? 1 : 0), "\(loaded.notes)")
    #expect(notes.allSatisfy { $0.contains("config.json") && $0.contains("tokenizer.model") })
    let written = try metadata(path)
    #expect(written["tokenizer.ggml.bos_token_id"]?.integer == row.bos)
    #expect(written["tokenizer.ggml.eos_token_id"]?.integer == row.eos)
    #expect(written["tokenizer.ggml.padding_token_id"]?.integer == row.padding)
  }

  /// A tokenizer's own settings say what a model was trained with: Alpaca's have `</s>` for BOS.
  @Test func settingsAreTakenAtTheirWord() throws {
    let path = try model(["bos_token_id": "1"])
    try folder.write(
      #"{"bos_token":"</s>","eos_token":""}"#.utf8, to: "m/tokenizer_config.json")
    let loaded = try ModelLoader.load(path)
    #expect(try loaded.requiredTokenizer().vocabulary.special.bos == 2)
    #expect(!loaded.notes.contains { $0.contains("contradicts") })
    // What they leave open stands in an older file.
    try folder.write(#"{"bos_token":""}"#.utf8, to: "m/tokenizer_config.json")
    try folder.write(
      #"{"bos_token":{"content":"</s>"},"pad_token":"<nothing>"}"#.utf8,
      to: "m/special_tokens_map.json")
    let mapped = try ModelLoader.load(path).requiredTokenizer().vocabulary.special
    #expect(mapped.bos == 2 && mapped.padding == nil)
    // One that is broken is no reason to refuse the model.
    try folder.write("{".utf8, to: "m/special_tokens_map.json")
    let broken = try ModelLoader.load(path)
    #expect(try broken.requiredTokenizer().vocabulary.special.bos == 1)
    #expect(broken.notes.contains { $0.contains("special_tokens_map.json") })
  }

  @Test func aPaddingTokenThatIsNotThereIsNoneAndTheUserTold() throws {
    let path = try model()
    try folder.write(#"{"pad_token":"[PAD]"}"#.utf8, to: "m/tokenizer_config.json")
    let loaded = try ModelLoader.load(path)
    #expect(try loaded.requiredTokenizer().vocabulary.special.padding == nil)
    #expect(loaded.notes.contains { $0.contains("[PAD]") && $0.contains("pad_token") })
  }

  /// 1 and 2 are what a library fills in for LLaMA; in a vocabulary of bytes they are text.
  @Test func idsOfAnotherVocabularyAreNotByteTokens() throws {
    let path = try bytePairs("llama3", ["bos_token_id": "1", "eos_token_id": "2"])
    let loaded = try ModelLoader.load(path)
    let special = try loaded.requiredTokenizer().vocabulary.special
    #expect(special.bos == 500)
    #expect(special.eos == nil)
    #expect(loaded.notes.contains { $0.contains("eos_token_id 2") && $0.contains("none") })
    let right = try bytePairs("llama3", ["bos_token_id": "500", "eos_token_id": "501"])
    let other = try ModelLoader.load(right)
    #expect(try other.requiredTokenizer().vocabulary.special.eos == 501)
    #expect(!other.notes.contains { $0.contains("contradicts") })
  }

  // MARK: Surplus

  @Test func aTokenWithoutARowIsLeftOut() throws {
    let path = try model(["pad_token_id": "300"])
    try folder.write(#"{"[PAD]":300}"#.utf8, to: "m/added_tokens.json")
    try folder.write(
      #"{"pad_token":"[PAD]","added_tokens_decoder":{"300":{"content":"[PAD]","special":true}}}"#
        .utf8, to: "m/tokenizer_config.json")
    try folder.write(
      #"{"added_tokens":[{"id":300,"content":"[PAD]"}],"model":{"type":"Unigram"}}"#.utf8,
      to: "m/tokenizer.json")
    let loaded = try ModelLoader.load(path)
    let vocabulary = try loaded.requiredTokenizer().vocabulary
    #expect(vocabulary.tokens.count == 300 && vocabulary.special.padding == nil)
    // One note, whatever number of files name it.
    #expect(loaded.notes.count { $0.contains("[PAD]") || $0.contains("300") } == 1)
    #expect(try metadata(path)["tokenizer.ggml.tokens"]?.array?.count == 300)
  }

  @Test func manyTokensWithoutARowAreAMismatch() throws {
    let path = try model()
    func add(_ count: Int) throws {
      let members = (0..<count).map { #""<t\#($0)>":\#(300 + $0)"# }
      try folder.write("{\(members.joined(separator: ","))}".utf8, to: "m/added_tokens.json")
    }
    try add(8)
    #expect(try ModelLoader.load(path).requiredTokenizer().vocabulary.tokens.count == 300)
    try add(9)
    let error = expectError(.mismatch) { _ = try ModelLoader.load(path) }
    #expect(error?.file == "\(path)/added_tokens.json")
    #expect(error?.problem.contains("9 tokens") == true)
    #expect(error?.remedy?.contains("take them out") == true)
  }

  @Test func piecesOfTextWithoutARowAreAMismatch() throws {
    // The bytes do not fit.
    let path = try model(rows: 258)
    let error = expectError(.mismatch) { _ = try ModelLoader.load(path) }
    #expect(error?.problem.contains("259 tokens") == true)
    #expect(error?.problem.contains("258 embedding rows") == true)
  }

  @Test func aTokenWithoutARowEndsNoText() throws {
    let path = try model()
    try folder.write(#"{"<|im_end|>":300}"#.utf8, to: "m/added_tokens.json")
    try folder.write(#"{"eos_token":"<|im_end|>"}"#.utf8, to: "m/tokenizer_config.json")
    let error = expectError(.mismatch) { _ = try ModelLoader.load(path) }
    #expect(error?.problem.contains("300") == true)
  }

  @Test func bytePairsWithoutARowAreLeftOutIfTheyAreMarks() throws {
    // `<|end_of_text|>` is 501.
    let path = try bytePairs("llama3", rows: 501)
    let loaded = try ModelLoader.load(path)
    let tokenizer = try loaded.requiredTokenizer()
    #expect(tokenizer.vocabulary.tokens.count == 501)
    #expect(loaded.notes.contains { $0.contains("<|end_of_text|>") && $0.contains("501") })
    let ids = try tokenizer.encode("a<|end_of_text|>", parsesControl: true)
    #expect(ids.allSatisfy { $0 < 501 })
    #expect(try metadata(path)["tokenizer.ggml.tokens"]?.array?.count == 501)
    // What is put before each text, and pieces of text, cannot go.
    for rows in [500, 300] {
      let other = try ModelLoader.load(bytePairs("llama3", rows: rows))
      let error = expectError(.mismatch) { _ = try other.requiredTokenizer() }
      #expect(error?.problem.contains("\(rows) embedding rows") == true, "\(error?.problem ?? "")")
    }
  }

  // MARK: Added tokens

  @Test(arguments: [
    #"{"added_tokens_decoder":{"1":{"content":"<s>","special":false}}}"#, "{}",
  ])
  func aMarkThatIsListedOnceMoreStaysOne(settings: String) throws {
    let path = try model()
    let plain = try ModelLoader.load(path).requiredTokenizer()
    try folder.write(
      #"{"<unk>":0,"<s>":1,"</s>":2,"<0x41>":68}"#.utf8, to: "m/added_tokens.json")
    try folder.write(settings.utf8, to: "m/tokenizer_config.json")
    let listed = try ModelLoader.load(path).requiredTokenizer()
    #expect(listed == plain)
    #expect(try !listed.encode("a <s> b").dropFirst().contains(1))
    // Another text for its id is another token.
    try folder.write(#"{"<human>":2}"#.utf8, to: "m/added_tokens.json")
    let other = try ModelLoader.load(path).requiredTokenizer().vocabulary
    #expect(other.tokens[2] == .init(text: "<human>", score: -1000, kind: .userDefined))
  }

  @Test func aPieceOfTextThatBecomesAnotherTokenIsReported() throws {
    let path = try folder.copy(Fixtures.miniZiya("base-hf"), as: "m")
    let plain = try ModelLoader.load(path)
    let piece = try plain.requiredTokenizer().vocabulary.tokens[700].text
    try folder.write(#"{"[PAD]":700}"#.utf8, to: "m/added_tokens.json")
    let loaded = try ModelLoader.load(path)
    #expect(try loaded.requiredTokenizer().vocabulary.tokens[700].text == "[PAD]")
    #expect(
      loaded.notes.filter { !plain.notes.contains($0) }.contains {
        $0.contains("700") && $0.contains(piece) && $0.contains("[PAD]")
      })
    // One that is listed is found as a whole, as transformers does.
    try folder.write(#"{"\#(piece)":700}"#.utf8, to: "m/added_tokens.json")
    let listed = try ModelLoader.load(path)
    #expect(try listed.requiredTokenizer().vocabulary.tokens[700].kind == .userDefined)
    #expect(listed.notes == plain.notes)
  }
}
