import Foundation
import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// Where a model's chat templates stand, and where they are written.
struct ChatTemplateFilesTests {
  private let folder: TemporaryFolder
  private let path: String

  init() throws {
    folder = try TemporaryFolder()
    path = try SmallModel(rows: 512).write(to: folder, "m")
  }

  private func write(_ text: String, _ name: String) throws {
    try folder.write(text.utf8, to: "m/\(name)")
  }

  @Test(arguments: [
    ("chat_template.jinja", "T"), ("tokenizer_config.json", #"{"chat_template":"T"}"#),
    ("chat_template.json", #"{"chat_template":"T"}"#),
    ("tokenizer_config.json", #"{"chat_template":[{"name":"default","template":"T"}]}"#),
  ])
  func aTemplateIsFound(name: String, text: String) throws {
    try write(text, name)
    let model = try ModelLoader.load(path)
    #expect(model.chatTemplate == "T")
    #expect(model.chatTemplates.named == [])
    #expect(!model.notes.contains { $0.contains("template") })
  }

  /// The order is transformers'. Of templates that are the same nothing is said.
  @Test func whichCountsIsSaidWhenTheyDiffer() throws {
    let files = [
      ("chat_template.json", #"{"chat_template":"C"}"#),
      ("tokenizer_config.json", #"{"chat_template":"B"}"#), ("chat_template.jinja", "A"),
    ]
    let counting = ["C", "B", "A"]
    for (index, (name, text)) in files.enumerated() {
      try write(text, name)
      let model = try ModelLoader.load(path)
      #expect(model.chatTemplate == counting[index])
      let notes = model.notes.filter { $0.contains("another chat template") }
      #expect(notes.count == index)
      #expect(notes.allSatisfy { $0.contains("than \(name), which counts") }, "\(notes)")
    }
    try write("C", "chat_template.jinja")
    #expect(
      try ModelLoader.load(path).notes.filter { $0.contains("another chat template") }.count == 1)
  }

  /// Names as gguf-py of llama.cpp writes them: other characters than letters and digits are `_`.
  @Test func namedOnesBecomeKeys() throws {
    try write("A", "chat_template.jinja")
    try write("R", "additional_chat_templates/rag.jinja")
    try write("N", "additional_chat_templates/no-tools.jinja")
    try write("x", "additional_chat_templates/readme.md")
    let model = try ModelLoader.load(path)
    #expect(model.chatTemplates.named.map(\.name) == ["no-tools", "rag"])
    var metadata = GGUFMetadata()
    for key in model.chatTemplates.keys { metadata[key.name] = key.value }
    #expect(metadata["tokenizer.chat_template"]?.string == "A")
    #expect(metadata["tokenizer.chat_template.rag"]?.string == "R")
    #expect(metadata["tokenizer.chat_template.no_tools"]?.string == "N")
    #expect(
      metadata["tokenizer.chat_templates"]?.array?.map { $0.string ?? "?" } == ["no_tools", "rag"])
    let back = try ChatTemplates(gguf: metadata, location: "x")
    #expect(back.main == "A")
    #expect(back.named.map(\.text) == ["N", "R"])
  }

  @Test func aListHasNamedOnes() throws {
    try write(
      #"{"chat_template":[{"name":"default","template":"A"},{"name":"rag","template":"R"}]}"#,
      "tokenizer_config.json")
    let model = try ModelLoader.load(path)
    #expect(model.chatTemplate == "A")
    #expect(model.chatTemplates.named.map(\.name) == ["rag"])
    try write(#"{"chat_template":[{"name":"rag","template":"R"}]}"#, "tokenizer_config.json")
    let named = try ModelLoader.load(path)
    #expect(named.chatTemplate == nil)
    let error = expectError(.mismatch) { _ = try named.requiredChatTemplate() }
    #expect(error?.problem.contains("rag") == true)
    #expect(error?.remedy?.contains("--chat-template") == true)
  }

  @Test func oneOfSeveralIsChosenByItsName() throws {
    let chatML =
      "{% for m in messages %}<|im_start|>{{ m.role }}\\n{{ m.content }}<|im_end|>\\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\\n{% endif %}"
    try write(
      #"{"chat_template":[{"name":"default","template":"{{ unknown }}"},{"name":"chat","template":"\#(chatML)"}]}"#,
      "tokenizer_config.json")
    let model = try ModelLoader.load(path)
    expectError(.unsupported) { _ = try model.requiredChatTemplate() }
    expectError(.unsupported) { _ = try model.requiredChatTemplate(named: "default") }
    let prompt = try model.requiredChatTemplate(named: "chat").prompt(
      Conversation(question: "Why?", system: nil))
    #expect(prompt.hasSuffix("<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n"))
    let error = expectError(.mismatch) { _ = try model.requiredChatTemplate(named: "tool_use") }
    #expect(error?.problem.contains(#"it has "default", "chat""#) == true)
    let none = try ModelLoader.load(Fixtures.miniZiya("base-hf"))
    expectError(.mismatch) { _ = try none.requiredChatTemplate(named: "rag") }
  }

  @Test(
    arguments: [
      ("tokenizer_config.json", #"{"chat_template":1}"#, .malformed),
      ("tokenizer_config.json", #"{"chat_template":{"a":"b"}}"#, .malformed),
      ("tokenizer_config.json", #"{"chat_template":["a"]}"#, .malformed),
      ("tokenizer_config.json", #"{"chat_template":[{"name":"a"}]}"#, .malformed),
      ("tokenizer_config.json", #"{"chat_template":[{"name":"","template":"b"}]}"#, .malformed),
      (
        "tokenizer_config.json",
        #"{"chat_template":[{"name":"a","template":"b"},{"name":"a","template":"b"}]}"#, .malformed
      ),
      (
        "tokenizer_config.json",
        "{\"chat_template\":[\(String(repeating: "0,", count: 100_000))0]}", .refused
      ),
      (
        "tokenizer_config.json",
        "{\"chat_template\":\"\(String(repeating: "x", count: 3 << 20))\"}", .malformed
      ),
      ("chat_template.json", "[]", .malformed), ("chat_template.json", "{", .malformed),
      ("chat_template.jinja", String(repeating: "x", count: 3 << 20), .malformed),
      ("additional_chat_templates/a.jinja", String(repeating: "x", count: 3 << 20), .malformed),
    ] as [(String, String, WeightmillError.Code)])
  func whatIsNoTemplateIsAnError(
    name: String, text: String, code: WeightmillError.Code
  ) throws {
    try write(text, name)
    expectError(code) { _ = try ModelLoader.load(path) }
  }

  /// A page that stands in a template's place is told from a template that begins with a tag.
  @Test func aTemplateMayBeginWithATag() throws {
    try write("<s>{{ messages }}", "chat_template.jinja")
    #expect(try ModelLoader.load(path).chatTemplate == "<s>{{ messages }}")
    let plan = try ConversionPlan(huggingFace: ModelLoader.load(path))
    #expect(plan.notes.allSatisfy { !$0.contains("template") })
    for page in ["<!DOCTYPE html>", "\n<HTML>", "version https://git-lfs.github.com/spec/v1"] {
      try write(page, "chat_template.jinja")
      expectError(.malformed) { _ = try ModelLoader.load(path) }
    }
  }

  /// A folder that is written has the named templates, too, whether it was there or not.
  @Test(arguments: [false, true]) func namedOnesAreCopied(isThere: Bool) throws {
    try write("A", "chat_template.jinja")
    try write("R", "additional_chat_templates/rag.jinja")
    try write(#"{"chat_template":"A"}"#, "chat_template.json")
    if isThere { try folder.write("x".utf8, to: "out/readme.md") }
    let plan = try ConversionPlan(huggingFace: ModelLoader.load(path))
    _ = try ConversionRun(plan, workers: Workers(threads: 1)).write(
      to: folder("out"), overwrite: isThere)
    for name in [
      "chat_template.jinja", "chat_template.json", "additional_chat_templates/rag.jinja",
    ] {
      #expect(try Fixtures.bytes(folder("out/\(name)")) == Fixtures.bytes("\(path)/\(name)"))
    }
    let names = try folder.names()
    #expect(names == ["m", "out"])
    let inside = try FileManager.default.contentsOfDirectory(atPath: folder("out"))
    #expect(!inside.contains { $0.hasSuffix(".partial") })
    // What stays would be taken for the new model's.
    try FileManager.default.removeItem(atPath: "\(path)/additional_chat_templates")
    let other = try ConversionPlan(huggingFace: ModelLoader.load(path))
    expectError(.cannotWrite) {
      _ = try ConversionRun(other, workers: Workers(threads: 1)).write(
        to: folder("out"), overwrite: true)
    }
  }

  @Test func bytesThatAreNoTextAreAnError() throws {
    try folder.write([0xFF, 0xFE], to: "m/chat_template.jinja")
    expectError(.malformed) { _ = try ModelLoader.load(path) }
  }

  @Test func aFileThatDoesNotHoldWhatItNamesIsAnError() throws {
    var metadata = GGUFMetadata()
    metadata["tokenizer.chat_templates"] = .strings(["rag"])
    expectError(.malformed) { _ = try ChatTemplates(gguf: metadata, location: "x") }
    metadata["tokenizer.chat_templates"] = .strings((0..<1000).map { "\($0)" })
    expectError(.refused) { _ = try ChatTemplates(gguf: metadata, location: "x") }
  }
}
