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
    let path = try SmallModel(rows: rows).write(to: folder, "m")
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
    expectError(.unsupported) { _ = try ConversionPlan(convert: loaded, to: .f16, name: "x") }
  }

  @Test func aSettingThatNamesNoTokenIsAnErrorWhenItIsNeeded() throws {
    let path = try model()
    try folder.write(#"{"eos_token":"<nothing>"}"#.utf8, to: "m/tokenizer_config.json")
    let loaded = try ModelLoader.load(path)
    let error = expectError(.mismatch) { _ = try loaded.requiredTokenizer() }
    #expect(error?.file == "\(path)/tokenizer_config.json")
  }

  @Test func bytePairsAreNotWrittenToGGUFYet() throws {
    for path in [try model(), "\(try model())/model.safetensors"] {
      let loaded = try ModelLoader.load(path)
      let error = expectError(.unsupported) {
        _ = try ConversionPlan(convert: loaded, to: .f16, name: "x")
      }
      #expect(error?.file.hasSuffix("/tokenizer.json") == true)
      #expect(error?.problem == "is the only tokenizer; it cannot be written to GGUF yet")
    }
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
    metadata.append(tokenizer.stored)
    #expect(metadata["tokenizer.ggml.model"]?.string == "llama")
    #expect(metadata["tokenizer.ggml.merges"] == nil)
    #expect(try ModelTokenizer(gguf: metadata, location: "x") == tokenizer)
  }

  /// What GGUF will hold of byte pairs; it is not read yet.
  @Test func bytePairsHaveTheirKeys() throws {
    let stored = try ModelLoader.load(model()).requiredTokenizer().stored
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
    #expect(try ModelTokenizer(gguf: metadata, location: "x") == nil)
  }
}
