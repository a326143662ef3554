import Foundation
import Testing
import WeightmillTestSupport

/// `weightmill imatrix`, as a user runs it.
struct ImatrixCommandTests {
  private static let text = "fixtures/imatrix/text.txt"
  private static let model = [
    "fixtures/mini-ziya/base-meta", "--delta", "fixtures/mini-ziya/delta",
  ]
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func command(_ name: String, _ more: String...) -> [String] {
    ["imatrix"] + Self.model + ["--output", folder(name), "--context", "48"] + more
  }

  @Test func theFileDoesNotDependOnThreads() throws {
    let first = try CommandLineTool.run(
      command("a.gguf", "--text", Self.text, "--threads", "1"))
    #expect(first.code == 0, "\(first.error)")
    #expect(first.output.contains("a.gguf: 29 matrices from 4 windows of 48 tokens, "))
    #expect(first.error.contains("note: left out: 21 tokens at the end of texts"))
    let bytes = try Fixtures.bytes(folder("a.gguf"))

    let second = try CommandLineTool.run(
      command("b.gguf", "--text", Self.text, "--threads", "3", "--json"))
    #expect(second.json?["matrices"] as? Int == 29)
    #expect(second.json?["windows"] as? Int == 4)
    #expect(second.json?["tokens"] as? Int == 192)
    #expect(second.json?["leftOut"] as? Int == 21)
    #expect(second.json?["bytes"] as? Int == bytes.count)
    #expect(try Fixtures.bytes(folder("b.gguf")) == bytes)
    #expect(try CommandLineTool.run("inspect", folder("a.gguf")).output.contains(".in_sum2"))
  }

  @Test func aGGUFFileTeachesWhatItsOriginDoes() throws {
    let (base, file) = ("fixtures/mini-ziya/base-meta", folder("f16.gguf"))
    #expect(try CommandLineTool.run("convert", base, "--output", file).code == 0)
    for (model, output) in [(base, "a.gguf"), (file, "b.gguf")] {
      let result = try CommandLineTool.run(
        "imatrix", model, "--text", Self.text, "--output", folder(output), "--context", "48")
      #expect(result.code == 0, "\(result.error)")
    }
    #expect(try Fixtures.bytes(folder("a.gguf")) == Fixtures.bytes(folder("b.gguf")))
  }

  @Test func severalTextsAndFewChunks() throws {
    let result = try CommandLineTool.run(
      command("a.gguf", "--text", Self.text, "--text", Self.text, "--chunks", "5", "--json"))
    #expect(result.code == 0, "\(result.error)")
    #expect(result.json?["windows"] as? Int == 5)
    #expect(result.json?["matrices"] as? Int == 29)
  }

  private func expect(
    _ code: Int32, _ part: String, _ arguments: [String],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let result = try CommandLineTool.run(arguments)
    #expect(result.code == code, "\(result.error)", sourceLocation: sourceLocation)
    #expect(result.output.isEmpty, sourceLocation: sourceLocation)
    #expect(result.error.contains(part), "\(result.error)", sourceLocation: sourceLocation)
  }

  @Test func outputsAreProtected() throws {
    let text = try folder.write(
      Fixtures.bytes("\(Fixtures.package)/\(Self.text)"), to: "text.txt")
    try expect(73, "is an input", command("text.txt", "--text", text, "--force"))
    try folder.write("old".utf8, to: "a.gguf")
    try expect(73, "exists already", command("a.gguf", "--text", text))
    #expect(try Fixtures.bytes(folder("a.gguf")) == Array("old".utf8))
    #expect(try CommandLineTool.run(command("a.gguf", "--text", text, "--force")).code == 0)
    #expect(try folder.names() == ["a.gguf", "text.txt"])
  }

  /// A model whose vocabulary is the 256 bytes.
  private func small(_ more: String..., model: SmallModel = SmallModel()) throws -> [String] {
    if try !folder.names().contains("model") { try model.write(to: folder, "model") }
    return ["imatrix", folder("model"), "--context", "32"] + more
  }

  @Test func theModelWritesItsOwnText() throws {
    let options = ["--text", "self", "--tokens", "100", "--seed", "4"]
    let first = try CommandLineTool.run(
      small("--output", folder("a.gguf"), "--save-text", folder("a.json")) + options)
    #expect(first.code == 0, "\(first.error)")
    #expect(first.output.contains("a.json: 128 tokens of "))
    #expect(first.output.contains(" that the model wrote, 4 windows side by side, "))
    #expect(first.output.contains("a.gguf: 8 matrices from 4 windows of 32 tokens, "))
    #expect(first.error.isEmpty)

    let second = try CommandLineTool.run(
      small("--output", folder("b.gguf"), "--json", "--memory", "1MiB", "--threads", "1")
        + options)
    let written = try #require(second.json?["written"] as? [String: Any])
    #expect(written["tokens"] as? Int == 128)
    #expect(written["windows"] as? Int == 4)
    #expect(written["start"] as? Int == 1)
    #expect(written["seed"] as? Int == 4)
    #expect(written["tokensPerSecond"] as? Double ?? 0 > 0)
    #expect(second.json?["texts"] as? [String] == ["self"])
    #expect(try Fixtures.bytes(folder("a.gguf")) == Fixtures.bytes(folder("b.gguf")))

    // What was kept teaches the same; only its name is another.
    let third = try CommandLineTool.run(
      small("--output", folder("c.gguf"), "--tokens-file", folder("a.json"), "--json"))
    #expect(third.json?["windows"] as? Int == 4, "\(third.error)")
    #expect(third.json?["written"] == nil)
    let files = try ["a.gguf", "c.gguf"].map { try Fixtures.bytes(folder($0)) }
    #expect(files[0] != files[1])
    #expect(files[0].suffix(1024) == files[1].suffix(1024))
  }

  @Test func textsAndSelfAreMixed() throws {
    let text = try folder.write(Array(repeating: UInt8(ascii: "x"), count: 80), to: "self")
    let result = try CommandLineTool.run(
      small(
        "--output", folder("a.gguf"), "--text", text, "--text", "self", "--tokens", "64", "--text",
        text, "--json"))
    #expect(result.json?["windows"] as? Int == 6, "\(result.error)")
    #expect(result.json?["texts"] as? [String] == [text, "self", text])
    // No more is written than is read.
    let few = try CommandLineTool.run(
      small(
        "--output", folder("b.gguf"), "--text", text, "--text", "self", "--chunks", "3", "--json")
    )
    #expect(few.json?["windows"] as? Int == 3, "\(few.error)")
    #expect((few.json?["written"] as? [String: Any])?["tokens"] as? Int == 32)
  }

  @Test func aDraftWritesForTheModel() throws {
    let options = ["--text", "self", "--tokens", "64", "--json"]
    let draft = try SmallModel(seed: 2).write(to: folder, "draft")
    let result = try CommandLineTool.run(
      small("--output", folder("a.gguf"), "--draft", draft) + options)
    #expect((result.json?["written"] as? [String: Any])?["draft"] as? String == draft)
    let names = try CommandLineTool.run("inspect", folder("a.gguf")).output
    #expect(names.contains("self (64 tokens, seed 0, by draft)"), "\(names)")
    let other = "fixtures/mini-ziya/base-hf"
    try expect(
      78, "it has 2000 tokens, that model 300; give a quantized file of the same model",
      small("--output", folder("b.gguf"), "--draft", other, "--text", "self"))
  }

  /// What is wrong with another text is found before the model writes.
  @Test func filesAreReadBeforeTheModelWrites() throws {
    let ids = try folder.write("[[1, 300]]".utf8, to: "ids.json")
    let kept = ["--text", "self", "--save-text", folder("kept.json")]
    for (code, more) in [
      (Int32(66), ["--text", folder("none.txt")]), (78, ["--tokens-file", ids]),
    ] {
      let result = try CommandLineTool.run(small("--output", folder("a.gguf")) + kept + more)
      #expect(result.code == code, "\(result.error)")
      #expect(try folder.names() == ["ids.json", "model"])
    }
  }

  @Test func chunksBeforeSelfLeaveNothingToWrite() throws {
    let text = try folder.write(Array(repeating: UInt8(ascii: "x"), count: 80), to: "x.txt")
    let result = try CommandLineTool.run(
      small(
        "--output", folder("a.gguf"), "--text", text, "--text", "self", "--chunks", "1", "--json"))
    #expect(result.code == 0)
    #expect(result.json?["written"] == nil)
    #expect(result.error.contains("note: the model wrote nothing: the texts before --text self"))
  }

  @Test func whatIsKeptIsNotTheOutput() throws {
    for saved in [folder("a.gguf"), folder(".") + "/a.gguf"] {
      try expect(
        73, "is to hold two outputs; choose another name for one of them",
        small("--output", folder("a.gguf"), "--text", "self", "--save-text", saved))
    }
    #expect(try folder.names() == ["model"])
  }

  @Test func whatIsKeptDestroysNothing() throws {
    let weights = folder("model/model.safetensors")
    try expect(
      73, "is an input",
      small(
        "--output", folder("a.gguf"), "--text", "self", "--save-text", weights, "--force"))
    try folder.write("old".utf8, to: "old.txt")
    try expect(
      73, "exists already",
      small("--output", folder("a.gguf"), "--text", "self", "--save-text", folder("old.txt")))
    #expect(try folder.names() == ["model", "old.txt"])
  }

  @Test(arguments: [
    (["--text", "a.txt", "--tokens", "5"], "--tokens goes with --text self"),
    (["--text", "./self", "--seed", "5"], "--seed goes with --text self"),
    (["--text", "a.txt", "--draft", "b"], "--draft goes with --text self"),
    (["--text", "a.txt", "--memory", "1GiB"], "--memory goes with --text self"),
    (["--text", "self", "--tokens", "0"], "--tokens must be from 1 to 16777216"),
    (["--text", "self", "--memory", "5"], "--memory must be 1MiB or more"),
    (["--text", "self", "--text", "self"], "give it once, and --tokens"),
    ([], "give a text with --text"),
  ])
  func optionsOfSelf(options: [String], message: String) throws {
    try expect(64, message, ["imatrix", "x", "--output", "y"] + options)
  }

  @Test func tooLittleTextIsAMismatch() throws {
    let text = try folder.write("Hello".utf8, to: "text.txt")
    try expect(
      78, "tokens do not fill a window of 48; give more text, or a smaller --context",
      command("a.gguf", "--text", text))
    #expect(try folder.names() == ["text.txt"])
  }

  @Test func anImportanceMatrixIsNoModel() throws {
    #expect(try CommandLineTool.run(command("a.gguf", "--text", Self.text)).code == 0)
    try expect(
      69, "no tensors with a LLaMA model's names",
      ["imatrix", folder("a.gguf"), "--text", Self.text, "--output", folder("b.gguf")])
  }

  @Test(arguments: [
    ["imatrix", "x", "--output", "y"], ["imatrix", "x", "--text", "y"],
    ["imatrix", "x", "--text", "y", "--output", "z", "--context", "1"],
    ["imatrix", "x", "--text", "y", "--output", "z", "--chunks", "0"],
  ])
  func wrongUsage(arguments: [String]) throws { try expect(64, "--help`", arguments) }

  @Test func helpHasExamples() throws {
    let help = try CommandLineTool.run("help", "imatrix")
    #expect(help.code == 0)
    #expect(help.output.contains("EXAMPLES"))
  }
}
