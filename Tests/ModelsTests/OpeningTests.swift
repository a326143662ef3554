import Foundation
import Testing
import WeightmillConversion
import WeightmillModels
import WeightmillPyTorch
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization

/// Paths are opened by content; impostors and broken folders get errors that say what to do.
struct OpeningTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test(arguments: [
    ("", "is empty"), ("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a", "git-lfs"),
    ("<!DOCTYPE html><html>", "web page"), ("\n  <html>", "web page"),
    ("hello world", "not a checkpoint"),
    (String(repeating: "\0", count: 600), "zeros"),
  ])
  func impostorsAreNamed(content: String, problem: String) throws {
    let path = try folder.write(content.utf8, to: "model.bin")
    let error = expectError(.malformed) { _ = try Checkpoint(path: path) }
    #expect(error?.problem.contains(problem) == true)
    #expect(error?.remedy != nil)
  }

  @Test(
    arguments: [
      [0x1F, 0x8B, 8, 0], [0x93] + Array("NUMPY".utf8), [0x89, 0x48, 0x44, 0x46],
      [0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20], [0x37, 0x7A, 0xBC, 0xAF],
    ] as [[UInt8]])
  func otherKindsAreUnsupported(content: [UInt8]) throws {
    let path = try folder.write(content, to: "model.bin")
    expectError(.unsupported) { _ = try Checkpoint(path: path) }
  }

  @Test func aMisnamedFileIsMalformed() throws {
    let bytes = try Fixtures.bytes(Fixtures.miniZiya("base-hf/model-00001-of-00002.safetensors"))
    let path = try folder.write(bytes, to: "model.gguf")
    expectError(.malformed) { _ = try Checkpoint(path: path) }
  }

  @Test func nothingThereIsNoInput() {
    expectError(.noInput) { _ = try Checkpoint(path: folder("nothing")) }
    let error = expectError(.noInput) { _ = try Checkpoint(path: folder.path) }
    #expect(error?.problem == "holds no checkpoint")
  }

  @Test func devicesAndPipesAreRefused() {
    expectError(.refused) { _ = try Checkpoint(path: "/dev/zero") }
    let pipe = folder("pipe")
    #expect(mkfifo(pipe, 0o600) == 0)
    expectError(.refused) { _ = try Checkpoint(path: pipe) }
  }

  @Test(arguments: ["base-hf", "delta"])
  func aMissingShardIsNamed(name: String) throws {
    let copy = try folder.copy(Fixtures.miniZiya(name), as: "copy")
    let shard = try FileManager.default.contentsOfDirectory(atPath: copy)
      .sorted().first { $0.contains("-00002-of-") }
    let missing = try #require(shard)
    try FileManager.default.removeItem(atPath: "\(copy)/\(missing)")
    let error = expectError(.noInput) { _ = try Checkpoint(path: copy) }
    #expect(error?.file.hasSuffix(missing) == true)
  }

  @Test func aMissingIndexIsNamed() throws {
    let copy = try folder.copy(Fixtures.miniZiya("delta"), as: "copy")
    try FileManager.default.removeItem(atPath: "\(copy)/pytorch_model.bin.index.json")
    let error = expectError(.noInput) { _ = try Checkpoint(path: copy) }
    #expect(error?.problem.contains("index") == true)
  }

  @Test func aMissingMetaPartIsNamed() throws {
    let copy = try folder.copy(Fixtures.miniZiya("base-meta"), as: "copy")
    try FileManager.default.removeItem(atPath: "\(copy)/consolidated.00.pth")
    let error = expectError(.noInput) { _ = try Checkpoint(path: copy) }
    #expect(error?.problem.contains("consolidated.00.pth") == true)
  }

  @Test(arguments: [false, true])
  func aMissingLastMetaPartIsNoticed(isNested: Bool) throws {
    let copy = try folder.copy(Fixtures.miniZiya("base-meta"), as: "copy")
    try FileManager.default.removeItem(atPath: "\(copy)/consolidated.01.pth")
    if isNested {
      // Newer files keep the sizes one level down.
      let sizes = try Fixtures.bytes("\(copy)/params.json")
      try folder.write(
        Array("{\"model\": ".utf8) + sizes + Array("}".utf8), to: "copy/params.json")
    }
    let error = expectError(.noInput) { _ = try Checkpoint(path: copy) }
    #expect(error?.problem == "holds 1 of 2 parts of the model")
  }

  @Test func partsOfTwoModelsAreNoticed() throws {
    let copy = try folder.copy(Fixtures.miniZiya("base-meta"), as: "copy")
    // The bytes of norm.weight in part 1 alone are changed, and its checksum is left out.
    let path = "\(copy)/consolidated.01.pth"
    let file = try PyTorchFile(path: path)
    let index = try #require(file.tensors.firstIndex { $0.name == "norm.weight" })
    let norm = try file.bytes(rows: 0..<1, ofTensor: index)
    var bytes = try Fixtures.bytes(path)
    let offset = try #require(bytes.firstRange(of: norm)).lowerBound
    bytes[offset] ^= 1
    try folder.write(bytes, to: "copy/consolidated.01.pth")
    #expect(throws: WeightmillError.self) { _ = try Checkpoint(path: copy) }
  }

  @Test func aMetaPartThatIsThereTwiceIsNoticed() throws {
    let copy = try folder.copy(Fixtures.miniZiya("base-meta"), as: "copy")
    try FileManager.default.removeItem(atPath: "\(copy)/consolidated.01.pth")
    try folder.copy(
      Fixtures.miniZiya("base-meta/consolidated.00.pth"), as: "copy/consolidated.01.pth")
    let error = expectError(.mismatch) { _ = try Checkpoint(path: copy) }
    #expect(error?.problem.contains("the same weights") == true)
  }

  @Test(arguments: ["config.json", "tokenizer.model", "tokenizer_config.json", "added_tokens.json"])
  func placeholdersOfSmallFilesAreNamed(name: String) throws {
    let copy = try folder.copy(Fixtures.miniZiya("delta"), as: "copy")
    let base = Fixtures.miniZiya("base-meta")
    try folder.write("version https://git-lfs.github.com/spec/v1".utf8, to: "copy/\(name)")
    let pointer = expectError(.malformed) { _ = try ModelLoader.load(base, delta: copy) }
    #expect(pointer?.problem.contains("git-lfs") == true)
    try folder.write("<html>".utf8, to: "copy/\(name)")
    let page = expectError(.malformed) { _ = try ModelLoader.load(base, delta: copy) }
    #expect(page?.problem.contains("web page") == true)
  }

  @Test func aSpecialTokenThatIsNotInTheVocabularyIsAMismatch() throws {
    let path = try SmallModel().write(to: folder, "small")
    try folder.write(#"{"bos_token": "<nothing>"}"#.utf8, to: "small/tokenizer_config.json")
    expectError(.mismatch) { _ = try ModelLoader.load(path) }
    // Blank ones, as some conversions have them, say nothing.
    try folder.write(#"{"bos_token": ""}"#.utf8, to: "small/tokenizer_config.json")
    #expect(try ModelLoader.load(path).tokenizer?.vocabulary.special.bos == 1)
  }

  @Test func addedTokensFollowLlamaCppsConverter() throws {
    let path = try SmallModel(rows: 264).write(to: folder, "small")
    let settings = #"""
      {"added_tokens_decoder": {
        "1": {"content": "<s>", "special": true}, "260": {"content": "<|x|>", "special": false},
        "261": {"content": "a▁b", "special": false}}}
      """#
    try folder.write(settings.utf8, to: "small/tokenizer_config.json")
    try folder.write(#"{"<human>": 262}"#.utf8, to: "small/added_tokens.json")
    let tokens = try #require(try ModelLoader.load(path).tokenizer).vocabulary.tokens
    #expect(tokens[1] == .init(text: "<s>", score: -1000, kind: .control))
    #expect(tokens[259] == .init(text: "[PAD259]", score: -10000, kind: .unused))
    #expect(tokens[260] == .init(text: "<|x|>", score: -1000, kind: .control))
    #expect(tokens[261] == .init(text: "a b", score: -1000, kind: .userDefined))
    #expect(tokens[262] == .init(text: "<human>", score: -1000, kind: .userDefined))
    // Beyond the rows: the converter leaves it out with a warning, too.
    try folder.write(#"{"<human>": 264}"#.utf8, to: "small/added_tokens.json")
    let without = try ModelLoader.load(path)
    #expect(without.tokenizer?.vocabulary.tokens.count == 264)
    #expect(without.notes.contains { $0.contains("<human>") && $0.contains("left out") })
  }

  @Test func metasTokenizerMayLieOneFolderUp() throws {
    let copy = try folder.copy(Fixtures.miniZiya("base-meta"), as: "13B")
    try FileManager.default.moveItem(
      atPath: "\(copy)/tokenizer.model", toPath: folder("tokenizer.model"))
    #expect(try ModelLoader.load(copy).tokenizer?.vocabulary.tokens.count == 2000)
  }

  @Test func aTruncatedShardIsMalformed() throws {
    let copy = try folder.copy(Fixtures.miniZiya("delta"), as: "copy")
    let shard = "copy/pytorch_model-00002-of-00003.bin"
    let bytes = try Fixtures.bytes(folder(shard))
    try folder.write(bytes[..<(bytes.count / 2)], to: shard)
    let error = expectError(.malformed) { _ = try Checkpoint(path: copy) }
    #expect(error?.remedy?.contains("incomplete") == true)
  }

  @Test(arguments: [
    "../x.safetensors", "/etc/x.safetensors", "a/x.safetensors", "C:\\\\x.safetensors", "x.bin",
    ".x.safetensors", "",
  ])
  func shardNamesAreNotPaths(name: String) throws {
    let index = #"{"weight_map":{"a":"\#(name)"}}"#
    try folder.write(index.utf8, to: "m/model.safetensors.index.json")
    expectError(.refused) { _ = try Checkpoint(path: folder("m")) }
  }

  @Test func anIndexMustTellTheTruth() throws {
    let copy = try folder.copy(Fixtures.miniZiya("base-hf"), as: "copy")
    let path = "\(copy)/model.safetensors.index.json"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let swapped = text.replacingOccurrences(
      of: "\"lm_head.weight\": \"model-00002", with: "\"lm_head.weight\": \"model-00001")
    try folder.write(swapped.utf8, to: "copy/model.safetensors.index.json")
    expectError(.malformed) { _ = try Checkpoint(path: copy) }
    let extra = text.replacingOccurrences(
      of: "\"lm_head.weight\"",
      with: "\"more.weight\": \"model-00002-of-00002.safetensors\", \"lm_head.weight\"")
    try folder.write(extra.utf8, to: "copy/model.safetensors.index.json")
    expectError(.mismatch) { _ = try Checkpoint(path: copy) }
  }

  @Test func anEmbeddingOfTheWrongHeightIsNamed() throws {
    var small = SmallModel(rows: 300)
    small.write300RowsButSay2000(folder)
    let error = expectError(.mismatch) { _ = try ModelLoader.load(folder("small")) }
    #expect(
      error?.problem.contains("\"model.embed_tokens.weight\" is [300, 64], not [2000, 64]") == true)
    #expect(error?.problem.contains("lm_head.weight") == true)
  }

  @Test func aTokenizerWithMoreTokensThanRowsIsAMismatch() throws {
    let path = try SmallModel(rows: 200).write(to: folder, "small")
    let error = expectError(.mismatch) { _ = try ModelLoader.load(path) }
    #expect(error?.problem.contains("259 tokens") == true)
  }

  @Test func aMissingTensorIsNamed() throws {
    var small = SmallModel(layers: 3)
    small.omitted = ["lm_head.weight", "model.layers.1.mlp.up_proj.weight"]
    let path = try small.write(to: folder, "small")
    let error = expectError(.mismatch) { _ = try ModelLoader.load(path) }
    #expect(error?.problem.contains("\"lm_head.weight\" is missing") == true)
    #expect(error?.problem.contains("\"model.layers.1.mlp.up_proj.weight\" is missing") == true)
  }

  @Test func aModelWithoutATokenizerIsInspectedButNotConverted() throws {
    let path = try SmallModel().write(to: folder, "small")
    try FileManager.default.removeItem(atPath: "\(path)/tokenizer.model")
    let model = try ModelLoader.load(path)
    expectError(.noInput) { _ = try ConversionPlan(convert: model, to: .f16, name: "x") }
  }
}

extension SmallModel {
  /// A configuration that does not say what the tensors are.
  fileprivate mutating func write300RowsButSay2000(_ folder: TemporaryFolder) {
    guard let path = try? write(to: folder, "small"),
      let text = try? String(contentsOfFile: "\(path)/config.json", encoding: .utf8)
    else { return }
    let changed = text.replacingOccurrences(of: "\"vocab_size\":300", with: "\"vocab_size\":2000")
    _ = try? folder.write(changed.utf8, to: "small/config.json")
  }
}
