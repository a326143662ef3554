import Foundation
import Testing
import WeightmillGGUF
import WeightmillModelCards
import WeightmillTensors
import WeightmillTestSupport

/// Cards of `fixtures/model-cards`, beside what gguf-py makes of them, and broken ones.
struct ModelCardTests {
  private static let fixtures = "\(Fixtures.package)/fixtures/model-cards"

  private func card(
    _ path: String, override: String? = nil, name: String? = nil, parameters: Int = 1,
    takesFolderName: Bool = true
  ) throws -> ModelCard {
    let folder = try Folder(path)
    return try ModelCard(
      card: folder, settings: folder,
      request: ModelCard.Request(
        override: override, name: name, fallback: "fallback", takesFolderName: takesFolderName,
        parameters: parameters, sizeLabel: SizeLabel.of(parameters)))
  }

  /// A value as `expected.json` has it. gguf-py's tags may be no texts, which it cannot write.
  private static func expected(_ type: String, _ value: Any) throws -> GGUFValue {
    switch type {
    case "STRING": return .string(try #require(value as? String))
    case "UINT32": return .uint32(try #require(value as? UInt32))
    case "INT32": return .int32(try #require(value as? Int32))
    case "FLOAT32": return .float32(Float(try #require(value as? Double)))
    default:
      return .array(
        .string, try #require(value as? [Any]).compactMap { ($0 as? String).map { .string($0) } })
    }
  }

  @Test func cardsGiveTheKeysThatGGUFPyGives() throws {
    let json = try #require(
      Fixtures.json("\(Self.fixtures)/expected.json") as? [String: [String: Any]])
    #expect(json.count >= 20)
    for (name, entry) in json {
      let path = "\(Self.fixtures)/\(name)"
      let override = "\(path)/override.json"
      let card = try card(
        path, override: FileManager.default.fileExists(atPath: override) ? override : nil,
        parameters: #require(entry["parameters"] as? Int))
      let wanted = try #require(entry["keys"] as? [[Any]])
      #expect(card.keys.map(\.name) == wanted.map { $0[0] as? String }, "\(name)")
      for (key, wanted) in zip(card.keys, wanted) {
        let value = try Self.expected(#require(wanted[1] as? String), wanted[2])
        // Python writes the number 2.50 as 2.5; here it stays as it is written.
        let isNumber = name == "numbers" && key.name == "general.author"
        #expect(key.value == (isNumber ? .string("2.50") : value), "\(name): \(key.name)")
      }
    }
  }

  @Test func withoutACardTheNameIsTheFilesAndOnlySamplersAreAdded() throws {
    let path = "\(Self.fixtures)/no-card-at-all-1.5B"
    let card = try card(path, parameters: 1_500_000_000, takesFolderName: false)
    #expect(
      card.keys.map(\.name) == [
        "general.sampling.top_k", "general.sampling.top_p", "general.sampling.temp",
        "general.sampling.penalty_repeat", "general.name", "general.size_label",
      ])
    #expect(card.keys.first { $0.name == "general.name" }?.value == .string("fallback"))
  }

  @Test func theNameThatIsAskedForCountsMost() throws {
    let path = "\(Self.fixtures)/overridden"
    let card = try card(path, override: "\(path)/override.json", name: "Mine")
    #expect(card.keys.contains { $0.name == "general.name" && $0.value == .string("Mine") })
  }

  @Test(arguments: [
    ("---\na: b: c\n---\n", "a colon within a text"), ("---\na: *b\n---\n", "aliases"),
    ("---\n- a\n---\n", "no list of names"),
    ("---\nlicense: {a: b}\n---\n", "\"license\" is no text"),
    ("---\nname: A\nname: B\n---\n", "twice; the last counts"),
    ("---\nbase_model: 3\n---\n", "no name"),
    ("---\ntags: [[a]]\n---\n", "no text"),
    ("---\ndatasets: [{name: a, x: b}]\n---\n", "\"x\" of a base model"),
    ("---\n" + String(repeating: "a: b\n", count: 100_000), "does not end"),
  ])
  func brokenCardsAreNotes(text: String, note: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(text.utf8, to: "README.md")
    let card = try card(folder.path, name: "x")
    #expect(card.notes.contains { $0.contains(note) }, "\(card.notes)")
    #expect(card.keys.contains { $0.name == "general.name" })
  }

  /// A hundred levels of ten aliases each would be 10^100 values.
  @Test func bombsAreNotes() throws {
    let folder = try TemporaryFolder()
    let levels = (1...100).map {
      "a\($0): &a\($0) [" + String(repeating: "*a\($0 - 1),", count: 10) + "]"
    }
    try folder.write(
      "---\na0: &a0 x\n\(levels.joined(separator: "\n"))\n---\n".utf8, to: "README.md")
    #expect(try card(folder.path).notes.contains { $0.contains("anchors, aliases and tags") })
    try folder.write([0x2D, 0x2D, 0x2D, 0x0A, 0xFF, 0x0A], to: "README.md")
    #expect(try card(folder.path).notes.contains { $0.contains("not UTF-8") })
  }

  @Test(arguments: [
    ("{", "what generation_config.json says"), (#"{"top_k": 1.5}"#, "\"top_k\" is 1.5"),
    (#"{"temperature": "hot"}"#, "\"temperature\" is"),
    (#"{"top_p": 1e300}"#, "\"top_p\" is 1e300"),
    (#"{"sequence": 1}"#, "\"sequence\" is no text"),
  ])
  func brokenSettingsAreNotes(json: String, note: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(json.utf8, to: "generation_config.json")
    let card = try card(folder.path)
    #expect(card.notes.contains { $0.contains(note) }, "\(card.notes)")
    #expect(!card.keys.contains { $0.name.hasPrefix("general.sampling") })
  }

  @Test(arguments: [
    "[]", "{", #"{"general.nmae": "x"}"#, #"{"general.name": 1}"#, #"{"general.tags": "x"}"#,
    #"{"general.tags": [1]}"#, #"{"general.base_models": [{"nmae": "x"}]}"#,
    #"{"general.datasets": {}}"#, #"{"general.sampling.top_k": 0.5}"#,
    #"{"llama.context_length": 1}"#,
  ])
  func overridesThatDoNotFitAreErrors(json: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(json.utf8, to: "override.json")
    let error = expectError(.malformed) { _ = try card(folder.path, override: path) }
    #expect(error?.file == path)
  }

  /// Names of files by gguf-py's naming_convention.
  @Test func filesAreNamedByTheirModel() throws {
    for (folder, parameters, name) in [
      ("from-a-path", 6_738_415_616, "Llama-2-7B-chat-hf-Q8_0.gguf"),
      ("Mistral-7B-Merge-14-v0.1", 7_000_000_000, "Mistral-7B-Merge-14-v0.1-Q8_0.gguf"),
      ("addresses", 13_000_000_000, "Addresses-13B-Q8_0.gguf"),
      ("Ziya-LLaMA-13B-v1", 13_000_000_000, "Ziya-LLaMA-13B-v1-Q8_0.gguf"),
      ("overridden", 1_000_000_001, "Card-1.0B-Q8_0.gguf"),
    ] {
      let card = try card("\(Self.fixtures)/\(folder)", parameters: parameters)
      #expect(card.fileName.of(type: "q8_0") == name)
    }
    let hostile = ModelFileName(name: "../../etc/x y\n", sizeLabel: nil, finetune: "", version: nil)
    #expect(hostile.of(type: "f16") == "model..-..-etc-x-y-F16.gguf")
  }
}
