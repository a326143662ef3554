import Testing
import WeightmillTestSupport

/// `tokenize --lines`: each line of a file by itself.
struct TokenizeLinesTests {
  private let folder: TemporaryFolder
  private let model = "\(Fixtures.package)/fixtures/tokenizers/llama3.json"

  init() throws { folder = try TemporaryFolder() }

  /// The ids of each line, as the command prints them for a text alone.
  private func alone(_ texts: [String]) throws -> [[Int]] {
    try texts.map { text in
      let result = try CommandLineTool.run("tokenize", "--json", "--", model, text)
      return try #require(result.json?["ids"] as? [Int])
    }
  }

  @Test func eachLineIsATextByItself() throws {
    let texts = ["Deep learning", "", "  深度学习 ", "ends with a return\r", "last"]
    for ending in ["", "\n"] {
      let file = try folder.write(
        (texts.joined(separator: "\n") + ending).utf8, to: "lines\(ending.utf8.count).txt")
      let result = try CommandLineTool.run("tokenize", model, "--lines", file, "--json")
      #expect(result.json?["lines"] as? [[Int]] == (try alone(texts)), "\(result.error)")
      let printed = try CommandLineTool.run("tokenize", model, "--lines", file)
      #expect(
        printed.output.split(separator: "\n", omittingEmptySubsequences: false).count
          == texts.count + 1)
    }
  }

  @Test(arguments: [["a text", "--lines", "x.txt"], []])
  func aTextOrAFileIsNeeded(arguments: [String]) throws {
    let result = try CommandLineTool.run(["tokenize", model] + arguments)
    #expect(result.code == 64)
    #expect(result.error.contains("give a text, or a file of them with --lines"))
  }

  @Test func aFileIsNotGivenTwice() throws {
    let result = try CommandLineTool.run("tokenize", model, "--lines", "a", "--lines", "b")
    #expect(result.code == 64)
  }

  @Test func aMissingFileIsAnError() throws {
    let result = try CommandLineTool.run("tokenize", model, "--lines", folder("none.txt"))
    #expect(result.code == 66)
    #expect(result.error.contains("none.txt"))
  }

  /// What follows an address's `?` is nobody's secret in a text, and is not cut off.
  @Test(arguments: [[], ["--threads", "1"], ["--no-bos", "--threads", "1"]])
  func aTextMayBeAnAddress(options: [String]) throws {
    let folder = try TemporaryFolder()
    let text = "https://a.example/b?c=d"
    let lines = try folder.write("\(text)\n".utf8, to: "lines.txt")
    let model = "fixtures/mini-ziya/base-hf"
    let given = try CommandLineTool.run(["tokenize"] + options + [model, text, "--json"])
    let read = try CommandLineTool.run(
      ["tokenize"] + options + [model, "--lines", lines, "--json"])
    #expect(given.code == 0 && read.code == 0, "\(given.error) \(read.error)")
    let ids = given.json?["ids"] as? [Int]
    #expect(ids?.isEmpty == false)
    #expect(ids == (read.json?["lines"] as? [[Int]])?.first)
  }
}
