import Testing
import WeightmillTestSupport

/// `--imatrix` of `quantize` and `convert`, with files that llama-imatrix wrote.
struct ImportanceOptionTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func convert(_ output: String, _ arguments: String...) throws -> CommandLineTool.Result {
    try CommandLineTool.run(
      ["convert", "fixtures/mini-ziya/base-hf", "--delta", "fixtures/mini-ziya/delta"]
        + ["--output", folder(output), "--json"] + arguments)
  }

  @Test func bothFormsOfTheFileGiveTheSameTensors() throws {
    for name in ["gguf", "dat"] {
      let result = try convert(
        "\(name).gguf", "--type", "q8_0", "--imatrix", "fixtures/imatrix/llama.\(name)")
      #expect(result.code == 0, "\(result.error)")
      #expect(!result.error.contains("no importance"))
    }
    let hashes = try ["gguf", "dat"].map {
      try CommandLineTool.run("hash", folder("\($0).gguf")).output
    }
    #expect(hashes[0] == hashes[1])
    let inspected = try CommandLineTool.run("inspect", folder("gguf.gguf")).output
    #expect(inspected.contains("quantize.imatrix.file") && inspected.contains("\"llama.gguf\""))
    #expect(!inspected.contains("fixtures/imatrix"))
  }

  @Test func importanceChangesTheMix() throws {
    func down(_ arguments: String...) throws -> [String?] {
      let result = try CommandLineTool.run(
        ["convert", "fixtures/mini-ziya/base-hf", "--delta", "fixtures/mini-ziya/delta"]
          + ["--output", folder("x.gguf"), "--json", "--dry-run", "--type", "iq3_xxs"] + arguments)
      #expect(result.code == 0, "\(result.error)")
      let tensors = result.json?["tensors"] as? [[String: Any]] ?? []
      return tensors.filter { ($0["name"] as? String)?.contains("ffn_down") == true }
        .map { $0["type"] as? String }
    }
    #expect(try Set(down()) == ["Q3_K"])
    #expect(try Set(down("--imatrix", "fixtures/imatrix/llama.gguf")) == ["IQ3_XXS"])
    let excluded = ["--imatrix", "fixtures/imatrix/llama.gguf", "--exclude-weights", "blk"]
    #expect(try Set(down(excluded[0], excluded[1], excluded[2], excluded[3])) == ["IQ3_XXS"])
  }

  @Test func partsOfItAreUsed() throws {
    let some = try convert(
      "x.gguf", "--type", "q8_0", "--imatrix", "fixtures/imatrix/llama.gguf",
      "--include-weights", "ffn", "--include-weights", "nothing")
    #expect(some.code == 0, "\(some.error)")
    let notes = some.json?["notes"] as? [String] ?? []
    #expect(notes.contains { $0.contains("has no importance for 16 matrices") }, "\(notes)")
    #expect(notes.contains { $0.contains("--include-weights \"nothing\"") }, "\(notes)")
  }

  @Test func anotherModelsIsRefused() throws {
    let model = try SmallModel(layers: 2).write(to: folder, "small")
    let result = try CommandLineTool.run(
      "convert", model, "--output", folder("x.gguf"), "--type", "q8_0", "--imatrix",
      "fixtures/imatrix/llama.gguf")
    #expect(result.code == 78)
    #expect(result.error.contains("is of another model"), "\(result.error)")
    #expect(try folder.names() == ["small"])
  }

  @Test func theOutputIsNotTheImatrix() throws {
    let copy = try folder.write(
      Fixtures.bytes("\(Fixtures.package)/fixtures/imatrix/llama.dat"), to: "i.gguf")
    let result = try convert("i.gguf", "--type", "q8_0", "--imatrix", copy, "--force")
    #expect(result.code != 0)
    let other = try convert(
      "j.gguf", "--type", "q8_0", "--imatrix", "fixtures/imatrix/text.txt")
    #expect(other.code == 65, "\(other.error)")
    #expect(try folder.names() == ["i.gguf"])
  }
}
