import Foundation
import Testing
import WeightmillTestSupport

/// `--lora` as a user gives it.
struct AdapterTests {
  private static let base = "fixtures/mini-ziya/base-hf"
  private static let adapter = "fixtures/lora/plain"
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func convert(_ arguments: String...) throws -> CommandLineTool.Result {
    try CommandLineTool.run(["convert"] + arguments + ["--output", folder("x.gguf")])
  }

  @Test func aMergedFilePredictsWhatBaseAndAdapterDo() throws {
    let result = try convert(Self.base, "--lora", Self.adapter)
    #expect(result.code == 0, "\(result.error)")
    #expect(result.error.contains("LoRA fixtures/lora/plain: 8 updates, rank 4, scale 2.25"))
    let text = try folder.write(
      "Deep learning is a part of machine learning, in which networks learn from data.".utf8,
      to: "text.txt")
    let verdict = try CommandLineTool.run(
      "verify-logits", folder("x.gguf"), "--reference", Self.base, "--lora", Self.adapter, "--text",
      text, "--max-kld", "1e-9")
    #expect(verdict.code == 0, "\(verdict.error)")
    let without = try CommandLineTool.run(
      "verify-logits", folder("x.gguf"), "--reference", Self.base, "--text", text, "--max-kld",
      "1e-2")
    #expect(without.code == 1)
    let inspection = try CommandLineTool.run("inspect", folder("x.gguf"))
    #expect(
      inspection.output.contains(
        #"weightmill.merge.rule                   string                 "lora""#))
  }

  @Test func adaptersAreMergedInTheOrderGiven() throws {
    let other = "fixtures/lora/rslora"
    let one = try CommandLineTool.run(
      "hash", Self.base, "--lora", Self.adapter, "--lora", other, "--json")
    let two = try CommandLineTool.run(
      "hash", Self.base, "--lora", other, "--lora", Self.adapter, "--json")
    #expect(one.code == 0, "\(one.error)")
    // Sums are rounded after each adapter, so that the order shows.
    #expect(one.output != two.output)
  }

  @Test func aWrittenFolderHasTheAdaptersTokenizer() throws {
    let target = folder("merged")
    let adapters = [
      "fixtures/lora/base-f16", "--lora", "fixtures/lora/chinese-llama", "--lora",
      "fixtures/lora/chinese-alpaca",
    ]
    let result = try CommandLineTool.run(["merge", "--target", target, "--base"] + adapters)
    #expect(result.code == 0, "\(result.error)")
    for name in ["tokenizer.model", "added_tokens.json"] {
      let written = try Fixtures.bytes("\(target)/\(name)")
      #expect(
        try written == Fixtures.bytes("\(Fixtures.package)/fixtures/lora/chinese-alpaca/\(name)"))
    }
    let config = try #require(Fixtures.json("\(target)/config.json") as? [String: Any])
    #expect(config["vocab_size"] as? Int == 272)
    #expect(config["hidden_size"] as? Int == 32)
    let merged = try CommandLineTool.run(["hash", "--json"] + adapters)
    let digests = try folder.write(merged.output.utf8, to: "digests.json")
    let check = try CommandLineTool.run("hash", target, "--check", digests)
    #expect(check.code == 0, "\(check.error)")
  }

  @Test func aWrittenFolderHasMetasTokenizerFromOneFolderUp() throws {
    let base = try folder.copy(Fixtures.miniZiya("base-meta"), as: "13B")
    try FileManager.default.moveItem(
      atPath: "\(base)/tokenizer.model", toPath: folder("tokenizer.model"))
    let target = folder("merged")
    let result = try CommandLineTool.run(
      "merge", "--base", base, "--lora", Self.adapter, "--target", target)
    #expect(result.code == 0, "\(result.error)")
    #expect(
      try Fixtures.bytes("\(target)/tokenizer.model") == Fixtures.bytes(folder("tokenizer.model")))
  }

  @Test(arguments: [
    (
      ["fixtures/lora/plain"], 78, "give the base as the model, and the adapter with --lora"
    ),
    ([base, "--delta", adapter], 78, "--lora"),
    ([base, "--lora", "fixtures/mini-ziya/delta"], 78, "give delta weights with --delta"),
    ([base, "--lora", "fixtures/lora"], 66, "holds no LoRA adapter"),
    ([base, "--lora", "fixtures/lora/nothing"], 66, "no such file or folder"),
    ([base, "--lora", "\(adapter)/adapter_model.safetensors"], 69, "give the folder"),
    ([base, "--lora", "fixtures/lora/tiny"], 78, "it is for a width of 32, not 256"),
  ])
  func whatIsNoAdapterGetsOneLine(arguments: [String], code: Int, part: String) throws {
    let result = try CommandLineTool.run(
      ["convert"] + arguments + ["--output", folder("x.gguf")])
    #expect(result.code == Int32(code), "\(result.error)")
    #expect(result.error.split(separator: "\n").count == 1)
    #expect(result.error.contains(part), "\(result.error)")
    #expect(try folder.names() == [])
  }

  @Test func aGGUFFileTakesNoAdapter() throws {
    _ = try convert(Self.base)
    let result = try CommandLineTool.run(
      "hash", folder("x.gguf"), "--lora", Self.adapter)
    #expect(result.code == 69)
    #expect(result.error.contains("adapters are merged into the original checkpoint"))
  }

  @Test func incompleteAdaptersSayWhatIsMissing() throws {
    let copy = try folder.copy("\(Fixtures.package)/\(Self.adapter)", as: "lora")
    try FileManager.default.removeItem(atPath: "\(copy)/adapter_config.json")
    let config = try convert(Self.base, "--lora", copy)
    #expect(config.code == 66)
    #expect(config.error.contains("fetch adapter_config.json, too"))
    try folder.write("{}".utf8, to: "lora/adapter_config.json")
    try FileManager.default.removeItem(atPath: "\(copy)/adapter_model.safetensors")
    let weights = try convert(Self.base, "--lora", copy)
    #expect(weights.code == 66)
    #expect(weights.error.contains("fetch the adapter's weights, too"))
  }

  @Test func anAdaptersFilesAreNotOverwritten() throws {
    let copy = try folder.copy("\(Fixtures.package)/\(Self.adapter)", as: "lora")
    let path = "\(copy)/adapter_config.json"
    let before = try Fixtures.bytes(path)
    let result = try CommandLineTool.run(
      "convert", Self.base, "--lora", copy, "--output", path, "--force")
    #expect(result.code == 73)
    #expect(try Fixtures.bytes(path) == before)
  }

  @Test func aScaleIsAskedForWithAColon() throws {
    let digests = try [
      ["--lora", "\(Self.adapter):0.5"], ["--lora-scaled=\(Self.adapter)/:0.5"],
      ["--lora", Self.adapter], ["--lora", "\(Self.adapter):1"],
    ].map { options in
      let result = try CommandLineTool.run(["hash", Self.base, "--json"] + options)
      #expect(result.code == 0, "\(result.error)")
      return try #require(result.json?["tensors"] as? [[String: Any]]).map {
        $0["sha256"] as? String
      }
    }
    #expect(digests[0] == digests[1])
    #expect(digests[2] == digests[3])
    #expect(digests[0] != digests[2])
    let result = try convert(Self.base, "--lora", "\(Self.adapter):0.5")
    #expect(result.error.contains("rank 4, scale 1.125"), "\(result.error)")
    let inspection = try CommandLineTool.run("inspect", folder("x.gguf"))
    #expect(inspection.output.contains(#""lora:0.5""#))
  }

  @Test func aPathWithAColonThatCouldBeAScaleIsNotGuessed() throws {
    for name in ["lora", "lora:0.5"] {
      _ = try folder.copy("\(Fixtures.package)/\(Self.adapter)", as: name)
    }
    let result = try CommandLineTool.run("hash", Self.base, "--lora", folder("lora:0.5"))
    #expect(result.code == 64)
    #expect(result.error.contains("could be that path"), "\(result.error)")
    for text in ["lora:0.5:1", "lora:0.50"] {
      let named = try CommandLineTool.run("hash", Self.base, "--lora", folder(text))
      #expect(named.code == 0, "\(named.error)")
      #expect(named.error.contains(text == "lora:0.50" ? "scale 1.125" : "scale 2.25"))
    }
  }

  @Test func anAdapterAloneIsWrittenAndMergedAgain() throws {
    let alone = folder("lora.gguf")
    let result = try CommandLineTool.run(
      "convert", Self.base, "--lora", Self.adapter, "--lora-only", "--output", alone)
    #expect(result.code == 0, "\(result.error)")
    #expect(result.output.contains("16 × F32"))
    let (theirs, ours) = try (
      CommandLineTool.run("hash", Self.base, "--lora", Self.adapter, "--json"),
      CommandLineTool.run("hash", Self.base, "--lora", alone, "--json")
    )
    #expect(ours.code == 0, "\(ours.error)")
    #expect(ours.output == theirs.output)
    let model = try convert(alone)
    #expect(model.code == 78)
    #expect(model.error.contains("give the base as the model, and the adapter with --lora"))
    // A dry run says the same and writes nothing.
    let dry = try CommandLineTool.run(
      "convert", Self.base, "--lora", Self.adapter, "--lora-only", "--type", "bf16", "--dry-run",
      "--output", folder("dry.gguf"))
    #expect(dry.output.contains("F32 → BF16"))
    #expect(try folder.names() == ["lora.gguf"])
  }

  @Test(arguments: [
    ([base, "--lora-only"], 64, "--lora-only goes with --lora, given once"),
    ([base, "--lora-only", "--lora", adapter, "--lora", adapter], 64, "given once"),
    ([base, "--lora-only", "--lora", adapter, "--type", "q4_0"], 64, "f32, f16 or bf16, not q4_0"),
    (
      [base, "--lora-only", "--lora", adapter, "--format", "safetensors"], 64, "writes a GGUF file"
    ),
    ([base, "--lora-only", "--lora", adapter, "--pre", "llama-bpe"], 64, "--pre is for models"),
    (
      ["fixtures/lora/base-f16", "--lora-only", "--lora", "fixtures/lora/modules-to-save"], 69,
      "stores modules whole, which a GGUF adapter cannot hold"
    ),
    (
      ["fixtures/lora/base-f16", "--lora-only", "--lora", "fixtures/lora/dora"], 69,
      "is DoRA, whose lengths of rows a GGUF adapter cannot hold; leave out --lora-only"
    ),
    ([base, "--lora-only", "--lora", "\(adapter):0"], 69, "has the scale 0"),
  ])
  func whatAnAdaptersFileCannotHoldIsNamed(
    arguments: [String], code: Int, part: String
  ) throws {
    let result = try CommandLineTool.run(
      ["convert"] + arguments + ["--output", folder("x.gguf")])
    #expect(result.code == Int32(code), "\(result.error)")
    #expect(result.error.contains(part), "\(result.error)")
    #expect(try folder.names() == [])
  }

  @Test func anAdapterIsInspected() throws {
    let result = try CommandLineTool.run("inspect", Self.adapter, "--json")
    #expect(result.json?["kind"] as? String == "LoRA adapter folder")
    #expect((result.json?["tensors"] as? [Any])?.count == 16)
  }
}
