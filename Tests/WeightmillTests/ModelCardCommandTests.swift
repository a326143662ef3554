import Foundation
import Testing
import WeightmillGGUF
import WeightmillTestSupport

/// What `convert` writes of model cards, and how it names files.
struct ModelCardCommandTests {
  private static let card = "---\nlicense: mit\ntags: [a]\nbase_model: org/Base-7B\n---\n# Text\n"
  private let folder: TemporaryFolder
  private let model: String

  init() throws {
    folder = try TemporaryFolder()
    model = try folder.copy(Fixtures.miniZiya("base-hf"), as: "Tiny-Llama-5M-Chat-v2")
  }

  private func convert(
    _ arguments: String..., model: String? = nil
  ) throws -> (metadata: GGUFMetadata, error: String) {
    let output = folder("out.gguf")
    let result = try CommandLineTool.run(
      ["convert", model ?? self.model, "--output", output, "--force"] + arguments)
    #expect(result.code == 0, "\(result.error)")
    return (try GGUFFile(path: output).metadata, result.error)
  }

  @Test func aCardIsWrittenBehindTheType() throws {
    try folder.write(Self.card.utf8, to: "Tiny-Llama-5M-Chat-v2/README.md")
    let settings = #"{"temperature": 0.5, "top_k": 7, "eos_token_id": 2}"#
    try folder.write(settings.utf8, to: "Tiny-Llama-5M-Chat-v2/generation_config.json")
    let metadata = try convert().metadata
    #expect(
      metadata.entries.prefix(17).map(\.key) == [
        "general.architecture", "general.type", "general.sampling.top_k", "general.sampling.temp",
        "general.name", "general.version", "general.finetune", "general.basename",
        "general.size_label", "general.license", "general.base_model.count",
        "general.base_model.0.name", "general.base_model.0.organization",
        "general.base_model.0.repo_url", "general.tags", "llama.block_count",
        "llama.context_length",
      ])
    #expect(metadata["general.name"] == .string("Tiny Llama 5M Chat v2"))
    #expect(metadata["general.size_label"] == .string("5M"))
    #expect(metadata["general.sampling.top_k"] == .int32(7))
    let override = try folder.write(
      #"{"general.license": null, "general.author": "我"}"#.utf8, to: "o.json")
    let second = try convert("--metadata", override, "--name", "Mine").metadata
    #expect(second["general.name"] == .string("Mine"))
    #expect(second["general.author"] == .string("我") && second["general.license"] == nil)
    let wrong = try folder.write(#"{"general.nam": "x"}"#.utf8, to: "w.json")
    let refused = try CommandLineTool.run(
      "convert", model, "--metadata", wrong, "--output", folder("w.gguf"))
    #expect(refused.code == 65 && refused.error.contains("general.nam"), "\(refused.error)")
    #expect(try !folder.names().contains("w.gguf"))
  }

  @Test func withoutACardTheOutputNamesTheModel() throws {
    let metadata = try convert().metadata
    #expect(metadata["general.name"] == .string("out"))
    #expect(metadata["general.basename"] == nil)
  }

  @Test func aBrokenCardIsANote() throws {
    try folder.write("---\na: [\n---\n".utf8, to: "Tiny-Llama-5M-Chat-v2/README.md")
    let (metadata, error) = try convert()
    #expect(error.contains("the model card is left out"), "\(error)")
    #expect(metadata["general.basename"] == .string("Tiny-Llama"))
  }

  /// A base's card is not true of what was made of it.
  @Test func theCardIsTheDeltas() throws {
    try folder.write(Self.card.utf8, to: "Tiny-Llama-5M-Chat-v2/README.md")
    let delta = try folder.copy(Fixtures.miniZiya("delta"), as: "Ziya-5M-v1")
    let plain = try convert("--delta", delta).metadata
    #expect(plain["general.license"] == nil && plain["general.name"] == .string("out"))
    try folder.write("---\nname: 姜子牙\n---\n".utf8, to: "Ziya-5M-v1/README.md")
    let named = try convert("--delta", delta).metadata
    #expect(named["general.name"] == .string("姜子牙"))
    #expect(named["general.basename"] == .string("Ziya"))
  }

  @Test func filesAreNamedByModelAndType() throws {
    func name(_ arguments: String...) throws -> Substring? {
      let result = try CommandLineTool.run(["convert", model, "--dry-run"] + arguments)
      #expect(result.code == 0, "\(result.error)")
      return result.output.split(separator: "\n").last?.split(separator: ":").first
    }
    #expect(try name() == "Tiny-Llama-5M-Chat-v2-F16.gguf")
    #expect(try name("--type", "q4_k_m") == "Tiny-Llama-5M-Chat-v2-Q4_K_M.gguf")
    #expect(
      try name("--type", "q8_0", "-o", "x-{outtype}-{FTYPE}-{}-{x}.gguf")
        == "x-q8_0-Q8_0-q8_0-{x}.gguf")
    let f16 = folder("m-{type}.gguf")
    #expect(try CommandLineTool.run("convert", model, "--output", f16).code == 0)
    #expect(
      try CommandLineTool.run("quantize", folder("m-f16.gguf"), folder("n-{TYPE}.gguf"), "q4_0")
        .code == 0)
    #expect(try folder.names().suffix(2) == ["m-f16.gguf", "n-Q4_0.gguf"])
    for arguments in [
      ["convert", model, "--format", "safetensors"], ["convert", model, "--target-bpw", "4"],
      ["quantize", folder("m-f16.gguf"), folder("{type}.gguf"), "--target-bpw", "4"],
    ] {
      #expect(try CommandLineTool.run(arguments).code == 64)
    }
  }
}
