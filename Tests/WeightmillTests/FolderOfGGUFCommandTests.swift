import Foundation
import Testing
import WeightmillGGUF
import WeightmillTestSupport

/// `weightmill convert FILE.gguf --format safetensors` as a user runs it.
struct FolderOfGGUFCommandTests {
  private static let base = "fixtures/mini-ziya/base-hf"
  private let folder: TemporaryFolder
  private let file: String

  init() throws {
    folder = try TemporaryFolder()
    file = folder("model.gguf")
    let result = try CommandLineTool.run("convert", Self.base, "--output", file)
    #expect(result.code == 0, "\(result.error)")
  }

  private func run(_ options: String...) throws -> CommandLineTool.Result {
    try CommandLineTool.run(["convert"] + options)
  }

  @Test func theFolderHoldsTheFirstOnesTensors() throws {
    let result = try run(file, "--format", "safetensors", "--output", folder("back"), "--json")
    #expect(result.code == 0, "\(result.error)")
    let notes = try #require(result.json?["notes"] as? [String])
    #expect(notes.count == 2, "\(notes)")
    let compared = try CommandLineTool.run("compare", Self.base, folder("back"))
    #expect(compared.code == 0)
    #expect(compared.output.contains("39: 39 same bytes"))
    let said = try CommandLineTool.run(
      "tokenize", folder("back"), "The capital of France", "--json")
    let expected = try CommandLineTool.run(
      "tokenize", Self.base, "The capital of France", "--json")
    #expect(said.output == expected.output)
  }

  @Test func wrongUsesAreRefusedWithARemedy() throws {
    let again = try run(file, "--output", folder("again.gguf"))
    #expect(again.code == 69)
    #expect(again.error.contains("--format safetensors"))
    let type = try run(
      file, "--format", "safetensors", "--type", "q8_0", "--output", folder("back"))
    #expect(type.code == 64)
    let cut = try run(
      Self.base, "--format", "safetensors", "--pre", "qwen2", "--output", folder("back"))
    #expect(cut.code == 64)
    #expect(cut.error.contains("leave out --pre"), "\(cut.error)")
    let name = try run(
      file, "--format", "safetensors", "--name", "x", "--output", folder("back"))
    #expect(name.code == 64)
    #expect(try folder.names() == ["model.gguf"])
  }

  @Test func overflowLeavesNothing() throws {
    var large = try RewrittenGGUF(file)
    var bytes = large["output_norm.weight"]
    // 70000 in binary32.
    bytes.replaceSubrange(0..<4, with: [0x00, 0xB8, 0x88, 0x47])
    large["output_norm.weight"] = bytes
    let path = try large.write(to: folder, "large.gguf")
    let result = try run(path, "--format", "safetensors", "--output", folder("back"))
    #expect(result.code == 69)
    #expect(result.error.contains("too large for F16"))
    #expect(result.error.contains("--type bf16"))
    #expect(try folder.names() == ["large.gguf", "model.gguf"])
    let wide = try run(
      path, "--format", "safetensors", "--type", "f32", "--output", folder("back"))
    #expect(wide.code == 0, "\(wide.error)")
  }
}
