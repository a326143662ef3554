import Foundation
import Testing
import WeightmillTestSupport

/// `generate` writes a text as it grows, by the seed that was given.
struct GenerateTests {
  private static let model = [
    "generate", "fixtures/mini-ziya/base-meta", "--delta", "fixtures/mini-ziya/delta",
  ]

  private func generate(_ options: String...) throws -> CommandLineTool.Result {
    try CommandLineTool.run(Self.model + options)
  }

  @Test func theSameSeedGivesTheSameText() throws {
    let options = ["--prompt", "在深度学习中，", "--max-tokens", "12", "--json"]
    let results = try [[], ["--seed", "0"], ["--seed", "2"]].map {
      try CommandLineTool.run(Self.model + options + $0).json
    }
    let ids = results.map { $0?["ids"] as? [Int] ?? [] }
    #expect(ids[0].count == 12)
    #expect(ids[0] == ids[1])
    #expect(ids[0] != ids[2])
    let sampling = results[2]?["sampling"] as? [String: Double]
    #expect(sampling == ["temperature": 1, "topP": 0.85, "topK": 0, "seed": 2])
    #expect(results[0]?["stop"] as? String == "length")
    #expect(results[0]?["tokensPerSecond"] as? Double ?? 0 > 0)
  }

  @Test func aQuestionIsAskedByZiyasTemplate() throws {
    let options = ["--max-tokens", "6", "--temperature", "0"]
    let asked = try CommandLineTool.run(
      Self.model + options + ["--chat", "--prompt", " 你好\n", "--json"])
    let written = try CommandLineTool.run(
      Self.model + options + ["--prompt", "<human>:你好\n<bot>:", "--json"])
    #expect(asked.code == 0, "\(asked.error)")
    #expect(asked.json?["prompt"] as? [Int] == written.json?["prompt"] as? [Int])
    #expect(asked.json?["ids"] as? [Int] == written.json?["ids"] as? [Int])
    let shown = try CommandLineTool.run(Self.model + options + ["--chat", "--prompt", "你好"])
    #expect(shown.output == "\(asked.json?["text"] as? String ?? "?")\n")
  }

  @Test func aConversationGoesOn() throws {
    let folder = try TemporaryFolder()
    let turns =
      #"[{"role":"user","content":" 你好 "},{"role":"assistant","content":"你好！"},"#
      + #"{"role":"user","content":"再见"}]"#
    let talk = try folder.write(turns.utf8, to: "talk.json")
    let options = ["--conversation", talk, "--max-tokens", "3", "--temperature", "0", "--json"]
    let plain = try CommandLineTool.run(Self.model + options)
    #expect(plain.code == 0, "\(plain.error)")
    let text = "<human>:你好\n<bot>:你好！</s><human>:再见\n<bot>:"
    #expect(plain.json?["promptText"] as? String == text)
    #expect((plain.json?["prompt"] as? [Int])?.contains(2) == true)
    let told = try CommandLineTool.run(Self.model + options + ["--system", "Be brief."])
    #expect(told.json?["promptText"] as? String == "Be brief.\n" + text)
    let asked = try generate("--prompt", "你好", "--system", "x", "--max-tokens", "1", "--json")
    #expect(asked.json?["promptText"] as? String == "x\n<human>:你好\n<bot>:")
    // Control characters of a file do not reach the terminal.
    try folder.write(#"[{"role":"\u001b[2J","content":"a"}]"#.utf8, to: "talk.json")
    let wrong = try CommandLineTool.run(Self.model + options)
    #expect(wrong.code == 65)
    #expect(wrong.error.unicodeScalars.allSatisfy { $0.value >= 0x20 || $0 == "\n" })
  }

  @Test(arguments: [
    [], ["--system", "x"], ["--prompt", "x", "--system", ""],
    ["--conversation", "a", "--prompt", "x"],
    ["--conversation", "a", "--conversation", "b"],
    ["--prompt", "x", "--system", "a", "--system", "b"],
  ])
  func wrongUsageOfQuestions(options: [String]) throws {
    let result = try CommandLineTool.run(Self.model + options)
    #expect(result.code == 64, "\(result.error)")
  }

  @Test func theTextIsThatOfTheReport() throws {
    let options = ["--prompt", "深度", "--max-tokens", "24", "--seed", "5", "--temperature", "1.5"]
    let text = try CommandLineTool.run(Self.model + options)
    let report = try CommandLineTool.run(Self.model + options + ["--json"])
    #expect(text.output == "深度\(report.json?["text"] as? String ?? "?")\n")
    #expect(text.error.split(separator: "\n").allSatisfy { $0.hasPrefix("weightmill: note: ") })
  }

  @Test func aTemplateThatIsNotKnownIsAnError() throws {
    let folder = try TemporaryFolder()
    for name in ["config.json", "tokenizer.model"] {
      try folder.copy(Fixtures.miniZiya("base-hf/\(name)"), as: name)
    }
    for name in try FileManager.default.contentsOfDirectory(atPath: Fixtures.miniZiya("base-hf"))
    where name.hasPrefix("model") {
      try folder.copy(Fixtures.miniZiya("base-hf/\(name)"), as: name)
    }
    let arguments = ["generate", folder.path, "--chat", "--prompt", "x", "--max-tokens", "1"]
    let none = try CommandLineTool.run(arguments)
    #expect(none.code == 78)
    #expect(none.error.contains("has no chat template"))
    try folder.write("{{ messages }}".utf8, to: "chat_template.jinja")
    let unknown = try CommandLineTool.run(arguments)
    #expect(unknown.code == 69)
    #expect(unknown.error.contains("has a chat template that Weightmill does not know"))
  }

  @Test func anInterruptedTextStays() throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: CommandLineTool.path)
    process.arguments =
      Self.model + ["--prompt", "The", "--max-tokens", "1000000", "--temperature", "2"]
    process.currentDirectoryURL = URL(fileURLWithPath: Fixtures.package)
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    // When more than the prompt is there, signals are listened for. SIGINT may be ignored here.
    var output = Data()
    while output.count <= "The".utf8.count { output += pipe.fileHandleForReading.availableData }
    kill(process.processIdentifier, SIGTERM)
    output += pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationReason == .exit)
    #expect(process.terminationStatus == 130)
    let text = String(decoding: output, as: UTF8.self)
    #expect(text.hasPrefix("The"))
    #expect(text.hasSuffix("\n"))
  }

  @Test(arguments: [
    ["--max-tokens", "0"], ["--temperature", "-1"], ["--temperature", "nan"], ["--top-p", "1.1"],
    ["--top-p=-0.1"], ["--top-k=-1"], ["--seed=-1"], ["--prompt", ""],
  ])
  func wrongUsage(options: [String]) throws {
    let result = try CommandLineTool.run(Self.model + ["--prompt", "x"] + options)
    #expect(result.code == 64, "\(result.error)")
  }
}
