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
    #expect(result.json?["matrices"] as? Int == 28)
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
