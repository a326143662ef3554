import Foundation
import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization

/// A checkpoint's folder with a `tokenizer.json` and no `tokenizer.model`.
struct TokenizerFolderTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A small model whose tokenizer is a fixture: `llama3` has 502 tokens, the first that a text
  /// begins with is 500.
  private func model(_ fixture: String = "llama3", rows: Int = 512) throws -> String {
    var model = SmallModel(rows: rows)
    // Large vocabularies need not be made of many features.
    if rows > 1000 { model.hidden = 16 }
    let path = try model.write(to: folder, "m")
    try FileManager.default.removeItem(atPath: "\(path)/tokenizer.model")
    let json = try Fixtures.bytes("\(Fixtures.package)/fixtures/tokenizers/\(fixture).json")
    try folder.write(json, to: "m/tokenizer.json")
    return path
  }

  @Test func theModelHoldsItsTokenizer() throws {
    let path = try model()
    let loaded = try ModelLoader.load(path)
    let tokenizer = try loaded.requiredTokenizer()
    #expect(tokenizer == loaded.tokenizer && tokenizer.kind == .bytePairs)
    #expect(tokenizer.vocabulary.tokens.count == 512)
    #expect(tokenizer.vocabulary.tokens[511].kind == .unused)
    let file = try ModelLoader.tokenizer("\(path)/tokenizer.json")
    let ids = try tokenizer.encode("Hello 你好")
    #expect(try ids == file.encode("Hello 你好"))
    #expect(ids.first == 500)
    #expect(try tokenizer.decode(ids) == "Hello 你好")
  }

  @Test func settingsNameTokensThatTheTemplateDoesNot() throws {
    let path = try model()
    try folder.write(
      #"{"bos_token":"!","eos_token":{"content":"<|end_of_text|>"},"pad_token":null}"#.utf8,
      to: "m/tokenizer_config.json")
    let special = try ModelLoader.load(path).requiredTokenizer().vocabulary.special
    #expect(special.eos == 501)
    #expect(!special.addsEOS)
    // What the template puts before a text is there, whatever the settings name.
    #expect(special.bos == 500)
    #expect(special.addsBOS)
    // Without a template the settings count.
    let untemplated = try model("gpt2")
    try folder.write(#"{"bos_token":"!"}"#.utf8, to: "m/tokenizer_config.json")
    let other = try ModelLoader.load(untemplated).requiredTokenizer().vocabulary
    #expect(other.special.bos.map { other.tokens[$0].text } == "!")
    #expect(other.special.addedBOS == nil)
  }

  @Test func aTokenizerModelComesFirst() throws {
    let path = try SmallModel(rows: 512).write(to: folder, "m")
    try folder.write("{".utf8, to: "m/tokenizer.json")
    #expect(try ModelLoader.load(path).requiredTokenizer().kind == .sentencePiece)
  }

  /// Broken, of another kind, or with more tokens than the model has rows: the weights are of use
  /// without it, and the error is that of the work that needs it.
  @Test(
    arguments: [
      (#"{"model":"#, .malformed, "JSON"),
      (#"{"model":{"type":"Unigram","vocab":[["a",-1]]}}"#, .unsupported, "Unigram"),
      (nil, .mismatch, "embedding rows"),
    ] as [(String?, WeightmillError.Code, String)])
  func whatCannotBeUsedIsAnErrorWhenItIsNeeded(
    text: String?, code: WeightmillError.Code, problem: String
  ) throws {
    let path = try model(rows: text == nil ? 300 : 512)
    if let text { try folder.write(text.utf8, to: "m/tokenizer.json") }
    let loaded = try ModelLoader.load(path)
    #expect(loaded.tokenizer == nil)
    let error = expectError(code) { _ = try loaded.requiredTokenizer() }
    #expect(error?.file == "\(path)/tokenizer.json")
    #expect(error?.problem.contains(problem) == true, "\(error?.problem ?? "")")
    expectError(code) { _ = try ConversionPlan(convert: loaded, to: .f16, name: "x") }
  }

  @Test func aSettingThatNamesNoTokenIsAnErrorWhenItIsNeeded() throws {
    let path = try model()
    try folder.write(#"{"eos_token":"<nothing>"}"#.utf8, to: "m/tokenizer_config.json")
    let loaded = try ModelLoader.load(path)
    let error = expectError(.mismatch) { _ = try loaded.requiredTokenizer() }
    #expect(error?.file == "\(path)/tokenizer_config.json")
  }

  /// What a GGUF file of the folder holds.
  private func metadata(_ path: String, pre: String? = nil) throws -> GGUFMetadata {
    var request = ModelRequest(path)
    request.preTokenizer = pre
    let plan = try ConversionPlan(
      convert: ModelLoader.load(request), to: .f16, name: "x")
    guard case .gguf(let metadata) = plan.output else { return GGUFMetadata() }
    return metadata
  }

  @Test func bytePairsAreWrittenToGGUF() throws {
    for path in [try model(), "\(try model())/model.safetensors"] {
      let written = try metadata(path)
      #expect(written["tokenizer.ggml.model"]?.string == "gpt2")
      #expect(written["tokenizer.ggml.pre"]?.string == "llama-bpe")
      #expect(try metadata(path, pre: "dbrx")["tokenizer.ggml.pre"]?.string == "dbrx")
      expectError(.unsupported) { _ = try metadata(path, pre: "unheard-of") }
    }
    // SentencePiece vocabularies cut no text.
    let pieces = try SmallModel().write(to: folder, "p")
    expectError(.usage) { _ = try metadata(pieces, pre: "dbrx") }
  }

  /// By the texts in the settings, or else by the configuration's ids, as llama.cpp's converter.
  @Test func rolesAreNamedByTheConverterRules() throws {
    let path = try model("gpt2")
    try folder.write(
      #"{"eos_token":"!","unk_token":{"content":"%"},"add_bos_token":true,"bos_token":"$"}"#.utf8,
      to: "m/tokenizer_config.json")
    let named = try metadata(path)
    let tokens = try #require(named["tokenizer.ggml.tokens"]?.array?.map(\.string))
    func text(_ name: String) -> String? {
      named["tokenizer.ggml.\(name)_token_id"]?.integer.flatMap { tokens[$0] }
    }
    #expect(text("eos") == "!" && text("unknown") == "%" && text("bos") == "$")
    // No post-processor says otherwise.
    #expect(named["tokenizer.ggml.add_bos_token"]?.bool == true)
    #expect(try ModelLoader.load(path).requiredTokenizer().encode("a").count == 2)
    // Of an id that is not named, the one that ends a text; llama.cpp would take 11.
    try folder.write(#"{"eos_token":"!"}"#.utf8, to: "m/tokenizer_config.json")
    let ended = try metadata(path)
    #expect(
      ended["tokenizer.ggml.bos_token_id"] == ended["tokenizer.ggml.eos_token_id"])
    #expect(ended["tokenizer.ggml.add_bos_token"]?.bool == false)
  }

  /// Code Llama's vocabulary has tokens to fill in a gap; SmolLM's adds no BOS.
  @Test func sizesOfWhichTheConverterKnowsMore() throws {
    let code = try metadata(model(rows: 32_016))
    let ids = ["prefix", "suffix", "middle", "eot"].map {
      code["tokenizer.ggml.\($0)_token_id"]?.integer
    }
    #expect(ids == [32_007, 32_008, 32_009, 32_010])
    let small = try metadata(model(rows: 49_152))
    #expect(small["tokenizer.ggml.add_bos_token"]?.bool == false)
    #expect(small["tokenizer.ggml.prefix_token_id"] == nil)
    let other = try metadata(model(rows: 512))
    #expect(other["tokenizer.ggml.add_bos_token"]?.bool == true)
    #expect(other["tokenizer.ggml.prefix_token_id"] == nil)
  }

  // MARK: Other files

  @Test func vocabularyAndMergesInTwoFiles() throws {
    let path = try model("gpt2")
    let json = try Fixtures.json("\(path)/tokenizer.json") as? [String: Any]
    let read = try #require(json?["model"] as? [String: Any])
    let expected = try ModelLoader.load(path).requiredTokenizer()
    try FileManager.default.removeItem(atPath: "\(path)/tokenizer.json")
    let merges = try #require(read["merges"] as? [[String]]).map { $0.joined(separator: " ") }
    let vocabulary = try JSONSerialization.data(withJSONObject: try #require(read["vocab"]))
    try folder.write(vocabulary, to: "m/vocab.json")
    try folder.write(
      "#version: 0.2\n\(merges.joined(separator: "\n"))\n".utf8, to: "m/merges.txt")
    let text = "Hello world, it's 2024: 你好"
    let found = try ModelLoader.load(path).requiredTokenizer()
    #expect(try found.encode(text) == expected.encode(text))
    #expect(found.vocabulary.tokens == expected.vocabulary.tokens)
    #expect(try metadata(path)["tokenizer.ggml.pre"]?.string == "gpt-2")
    // The class in transformers says how text is cut.
    func setClass(_ name: String) throws {
      try folder.write(
        #"{"tokenizer_class":"\#(name)","added_tokens_decoder":{"505":{"content":"<|x|>"}}}"#.utf8,
        to: "m/tokenizer_config.json")
    }
    try setClass("Qwen2TokenizerFast")
    let qwen = try metadata(path)
    #expect(qwen["tokenizer.ggml.pre"]?.string == "qwen2")
    #expect(qwen["tokenizer.ggml.tokens"]?.array?[505].string == "<|x|>")
    #expect(qwen["tokenizer.ggml.token_type"]?.array?[505].integer == 3)
    // A token that has a role is not found in what users write, though its list does not say so.
    try folder.write(
      #"{"eos_token":"<e>","additional_special_tokens":[{"content":"<a>"}]}"#.utf8,
      to: "m/tokenizer_config.json")
    try folder.write(#"{"<e>":505,"<a>":506,"<u>":507}"#.utf8, to: "m/added_tokens.json")
    let listed = try metadata(path)["tokenizer.ggml.token_type"]?.array
    #expect(listed?[505...507].map(\.integer) == [3, 3, 4])
    try FileManager.default.removeItem(atPath: folder("m/added_tokens.json"))
    try setClass("UnheardOf")
    let error = expectError(.unsupported) { _ = try metadata(path) }
    #expect(error?.problem.contains("UnheardOf") == true)
    #expect(try metadata(path, pre: "qwen2")["tokenizer.ggml.pre"]?.string == "qwen2")
  }

  /// Tokens that only the `tokenizer.json` beside a SentencePiece model knows, and what it puts around
  /// a text: what transformers 5 saves.
  @Test func aTokenizerJSONBesideASentencePieceModel() throws {
    let path = try SmallModel(rows: 512).write(to: folder, "m")
    let without = try ModelLoader.load(path).requiredTokenizer().vocabulary
    #expect(without.special.addsBOS && without.tokens[511].kind == .unused)
    try folder.write(
      #"""
      {"added_tokens":[{"id":510,"content":"<user>"},{"id":511,"content":"<|end|>"},
      {"id":5,"content":"<five>","special":true}],
      "post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A"}},
      {"SpecialToken":{"id":"</s>"}}],"special_tokens":{"</s>":{"ids":[2]}}},
      "model":{"type":"Unigram","vocab":[["a",-1]]}}
      """#.utf8, to: "m/tokenizer.json")
    let loaded = try ModelLoader.load(path)
    let vocabulary = try loaded.requiredTokenizer().vocabulary
    #expect(vocabulary.tokens[510] == .init(text: "<user>", score: -1000, kind: .userDefined))
    #expect(vocabulary.tokens[511] == .init(text: "<|end|>", score: -1000, kind: .control))
    // What the model itself has stays.
    #expect(vocabulary.tokens[5] == without.tokens[5])
    #expect(!vocabulary.special.addsBOS && vocabulary.special.addsEOS)
    #expect(loaded.notes.isEmpty)
    try folder.write("{".utf8, to: "m/tokenizer.json")
    let broken = try ModelLoader.load(path)
    #expect(try broken.requiredTokenizer().vocabulary == without)
    #expect(broken.notes.contains { $0.contains("left out") && $0.contains("tokenizer.json") })
  }

  @Test func settingsSayWhetherASpaceGoesBeforeAText() throws {
    let path = try SmallModel().write(to: folder, "m")
    #expect(try metadata(path)["tokenizer.ggml.add_space_prefix"] == nil)
    try folder.write(#"{"add_prefix_space":false}"#.utf8, to: "m/tokenizer_config.json")
    #expect(try metadata(path)["tokenizer.ggml.add_space_prefix"]?.bool == false)
  }

  @Test func aModelWithoutATokenizerSaysSo() throws {
    let path = try model()
    try FileManager.default.removeItem(atPath: "\(path)/tokenizer.json")
    let loaded = try ModelLoader.load(path)
    let error = expectError(.mismatch) { _ = try loaded.requiredTokenizer() }
    #expect(error?.problem == "has no tokenizer that Weightmill can use")
    expectError(.noInput) { _ = try ConversionPlan(convert: loaded, to: .f16, name: "x") }
  }

  /// What is written of a tokenizer is what is read of it.
  @Test func sentencePiecesComeBackFromGGUF() throws {
    let tokenizer = try ModelLoader.tokenizer(Fixtures.miniZiya("delta"))
    var metadata = GGUFMetadata()
    metadata.append(try tokenizer.stored)
    #expect(metadata["tokenizer.ggml.model"]?.string == "llama")
    #expect(metadata["tokenizer.ggml.merges"] == nil)
    #expect(try ModelTokenizer(gguf: metadata, location: "x") == tokenizer)
  }

  @Test func bytePairsHaveTheirKeys() throws {
    let tokenizer = try ModelLoader.load(model()).requiredTokenizer()
    let stored = try tokenizer.stored
    var metadata = GGUFMetadata()
    metadata.append(stored)
    #expect(metadata["tokenizer.ggml.model"]?.string == "gpt2")
    #expect(metadata["tokenizer.ggml.pre"]?.string == "llama-bpe")
    #expect(metadata["tokenizer.ggml.tokens"]?.array?.count == 512)
    #expect(metadata["tokenizer.ggml.token_type"]?.array?.last?.integer == 5)
    #expect(metadata["tokenizer.ggml.merges"]?.array?.first?.string == stored.merges?.first)
    #expect(metadata["tokenizer.ggml.bos_token_id"]?.integer == 500)
    #expect(metadata["tokenizer.ggml.add_bos_token"]?.bool == true)
    #expect(metadata["tokenizer.ggml.scores"] == nil)
    #expect(metadata["tokenizer.ggml.add_space_prefix"] == nil)
    let back = try #require(try ModelTokenizer(gguf: metadata, location: "x"))
    #expect(try back.encode("Hello 你好") == tokenizer.encode("Hello 你好"))
  }

  /// A template beside a SentencePiece model may name any id.
  @Test func anIdOfATemplateBeyondTheVocabularyIsRefused() throws {
    let folder = try TemporaryFolder()
    let path = try SmallModel().write(to: folder, "model")
    try folder.write(
      #"""
      {"version": "1.0", "added_tokens": [], "post_processor": {"type": "TemplateProcessing",
       "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
       "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [99999999], "tokens": ["<s>"]}}},
       "model": {"type": "BPE", "vocab": {"<unk>": 0, "<s>": 1}, "merges": []}}
      """#.utf8, to: "model/tokenizer.json")
    let error = expectError(.mismatch) { _ = try ModelLoader.load(path) }
    #expect(error?.problem.contains("99999999") == true)
  }

  /// Millions of entries in a file are looked at once each.
  @Test func manyTokensWithoutRowsAreRefusedInTime() throws {
    let folder = try TemporaryFolder()
    let path = try SmallModel().write(to: folder, "model")
    let entries = (0..<60_000).map { #""<x\#($0)>": \#(1000 + $0)"# }.joined(separator: ",")
    try folder.write("{\(entries)}".utf8, to: "model/added_tokens.json")
    let error = expectError(.mismatch) { _ = try ModelLoader.load(path) }
    #expect(error?.problem.contains("names 60000 tokens") == true)
  }
}
