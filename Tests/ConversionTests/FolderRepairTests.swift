import Foundation
import Testing
import WeightmillConversion
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// Folders that are written from folders whose files do not go with each other: every id and every
/// text in them is one of the written vocabulary, and every class one that transformers has.
struct FolderRepairTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func model(rows: Int = 300, _ fields: [String: String] = [:]) throws -> String {
    var model = SmallModel(rows: rows)
    model.fields = fields
    return try model.write(to: folder, "m")
  }

  /// The files that are written for the folder, and the notes.
  private func written() throws -> (files: [String: [String: Any]], notes: [String]) {
    let plan = try ConversionPlan(huggingFace: ModelLoader.load(folder("m")))
    guard case .huggingFace(let output) = plan.output else { return ([:], []) }
    var files: [String: [String: Any]] = [:]
    for file in output.companions where file.name.hasSuffix(".json") {
      files[file.name] =
        try JSONSerialization.jsonObject(with: Data(file.content)) as? [String: Any]
    }
    return (files, plan.notes)
  }

  @Test func idsOfAnotherVocabularyBecomeTheTokenizersOwn() throws {
    _ = try model(["bos_token_id": "0", "eos_token_id": "1", "pad_token_id": "-1"])
    try folder.write(
      #"""
      {"bos_token_id":0,"eos_token_id":[1,999],"pad_token_id":0,"decoder_start_token_id":4000,
      "suppress_tokens":[7,4000],"max_length":5000}
      """#.utf8, to: "m/generation_config.json")
    let (files, notes) = try written()
    let config = try #require(files["config.json"])
    #expect(config["bos_token_id"] as? Int == 1 && config["eos_token_id"] as? Int == 2)
    #expect(config["pad_token_id"] is NSNull)
    let generation = try #require(files["generation_config.json"])
    #expect(generation["bos_token_id"] as? Int == 1 && generation["eos_token_id"] as? Int == 2)
    #expect(generation["pad_token_id"] as? Int == 0 && generation["max_length"] as? Int == 5000)
    #expect(generation["decoder_start_token_id"] is NSNull)
    #expect(generation["suppress_tokens"] as? [Int] == [7])
    for name in ["/config.json", "/generation_config.json"] {
      #expect(notes.contains { $0.contains(name) && $0.contains("eos_token_id is 2") }, "\(notes)")
    }
  }

  @Test func endTokensOfTheModelsOwnStay() throws {
    _ = try model(["bos_token_id": "1", "eos_token_id": "[2,280]", "pad_token_id": "0"])
    try folder.write(#"{"eos_token_id":[280,2]}"#.utf8, to: "m/generation_config.json")
    let (files, notes) = try written()
    #expect(files["config.json"]?["eos_token_id"] as? [Int] == [2, 280])
    #expect(files["generation_config.json"]?["eos_token_id"] as? [Int] == [280, 2])
    #expect(!notes.contains { $0.contains("changes") })
  }

  @Test func tokensWithoutARowAreInNoFile() throws {
    _ = try model(["pad_token_id": "300"])
    let entry = #"{"content":"[PAD]","special":true}"#
    try folder.write(#"{"[PAD]":300,"<human>":260}"#.utf8, to: "m/added_tokens.json")
    try folder.write(
      #"""
      {"pad_token":"[PAD]","eos_token":"</s>","unk_token":\#(#"{"content":""}"#),
      "added_tokens_decoder":{"1":{"content":"<s>","special":true},"300":\#(entry)},
      "additional_special_tokens":["<human>",\#(entry)],"add_bos_token":true,"cls_token":null}
      """#.utf8, to: "m/tokenizer_config.json")
    try folder.write(
      #"{"pad_token":\#(entry),"bos_token":"<s>"}"#.utf8, to: "m/special_tokens_map.json")
    try folder.write(
      #"{"added_tokens":[{"id":1,"content":"<s>"},{"id":300,"content":"[PAD]"}],"model":{"type":"BPE","vocab":{},"merges":[]}}"#
        .utf8, to: "m/tokenizer.json")
    let (files, notes) = try written()
    #expect(files["config.json"]?["pad_token_id"] is NSNull)
    #expect(files["added_tokens.json"]?.keys.sorted() == ["<human>"])
    let settings = try #require(files["tokenizer_config.json"])
    #expect(settings["pad_token"] == nil && settings["eos_token"] as? String == "</s>")
    #expect(settings["unk_token"] as? String == "<unk>")
    #expect((settings["added_tokens_decoder"] as? [String: Any])?.keys.sorted() == ["1"])
    #expect(settings["additional_special_tokens"] as? [String] == ["<human>"])
    #expect(settings["add_bos_token"] as? Bool == true && settings["cls_token"] is NSNull)
    #expect(files["special_tokens_map.json"]?.keys.sorted() == ["bos_token"])
    #expect((files["tokenizer.json"]?["added_tokens"] as? [Any])?.count == 1)
    #expect(notes.count { $0.contains("was copied with changes") } == 5, "\(notes)")
  }

  @Test(arguments: [
    ("TokenizersBackend", false, "LlamaTokenizer"),
    ("TokenizersBackend", true, "PreTrainedTokenizerFast"),
    ("SentencePieceBackend", false, "LlamaTokenizer"), ("LLaMATokenizer", true, "LlamaTokenizer"),
    ("LlamaTokenizerFast", true, "LlamaTokenizerFast"), ("Qwen2Tokenizer", true, "Qwen2Tokenizer"),
  ])
  func classesAreOnesThatTransformersHas(name: String, hasJSON: Bool, known: String) throws {
    _ = try model()
    try folder.write(#"{"tokenizer_class":"\#(name)"}"#.utf8, to: "m/tokenizer_config.json")
    if hasJSON {
      try folder.write(
        #"{"model":{"type":"BPE","vocab":{},"merges":[]}}"#.utf8, to: "m/tokenizer.json")
    }
    let (files, notes) = try written()
    #expect(files["tokenizer_config.json"]?["tokenizer_class"] as? String == known)
    #expect(notes.contains { $0.contains("tokenizer_class is \(known)") } == (name != known))
  }

  /// transformers 4 fails on a list under the newer name.
  @Test func furtherSpecialTokensAreUnderTheNameThatBothKnow() throws {
    _ = try model()
    for (value, list) in [(#"["<s>"]"#, ["<s>"]), ("[]", nil)] as [(String, [String]?)] {
      try folder.write(
        #"{"extra_special_tokens":\#(value)}"#.utf8, to: "m/tokenizer_config.json")
      let settings = try #require(try written().files["tokenizer_config.json"])
      #expect(settings["extra_special_tokens"] == nil)
      #expect(settings["additional_special_tokens"] as? [String] == list)
    }
    // A table is what version 4 knows, and version 5, too.
    try folder.write(
      #"{"extra_special_tokens":{"x_token":"<s>"}}"#.utf8, to: "m/tokenizer_config.json")
    #expect(try written().files["tokenizer_config.json"]?["extra_special_tokens"] != nil)
  }
}
