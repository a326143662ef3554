import Foundation
import Testing
import WeightmillTestSupport

/// The README's quick start, end to end.
struct RoadTests {
  private static let base = "fixtures/mini-ziya/base-meta"
  private static let delta = "fixtures/mini-ziya/delta"
  private static let text = "fixtures/mini-ziya/expected/eval-zh.txt"
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func convert() throws -> String {
    let file = folder("mini-ziya-f16.gguf")
    let result = try CommandLineTool.run(
      "convert", Self.base, "--delta", Self.delta, "--output", file)
    #expect(result.code == 0, "\(result.error)")
    // Which family it is, and the evidence.
    let lines = result.error.split(separator: "\n")
    #expect(lines.count == 2 && lines.allSatisfy { $0.hasPrefix("weightmill: note: ") })
    #expect(result.output.contains("30 × F16, 9 × F32"))
    return file
  }

  @Test func convertQuantizeVerify() throws {
    let file = try convert()
    for type in ["q8_0", "q4_0"] {
      let output = folder("mini-ziya-\(type).gguf")
      let result = try CommandLineTool.run("quantize", file, output, type)
      #expect(result.code == 0, "\(result.error)")
    }
    let verdict = try CommandLineTool.run(
      "verify-logits", folder("mini-ziya-q4_0.gguf"), "--reference", Self.base, "--delta",
      Self.delta, "--text", Self.text, "--max-kld", "0.05", "--min-top1", "0.85")
    #expect(verdict.code == 0, "\(verdict.error)")
    #expect(verdict.output.contains("passed  --max-kld"))
    #expect(verdict.output.contains("passed  --min-top1"))

    // A limit just below what Q4_0 reaches fails, and says by how much.
    let failure = try CommandLineTool.run(
      "verify-logits", folder("mini-ziya-q4_0.gguf"), "--reference", file, "--text", Self.text,
      "--max-kld", "0.01", "--max-ppl-ratio", "1.5", "--json")
    #expect(failure.code == 1)
    let report = try #require(failure.json)
    #expect(report["passed"] as? Bool == false)
    let limits = try #require(report["limits"] as? [[String: Any]])
    #expect(limits.map { $0["passed"] as? Bool } == [false, true])
  }

  @Test func theF16FilePredictsWhatTheCheckpointDoes() throws {
    let result = try CommandLineTool.run(
      "verify-logits", try convert(), "--reference", "fixtures/mini-ziya/base-hf", "--delta",
      Self.delta, "--text", Self.text, "--max-kld", "1e-10", "--max-ppl-ratio", "1.0000001",
      "--min-top1", "0.999", "--json")
    #expect(result.code == 0, "\(result.output)\(result.error)")
  }

  @Test func inspectShowsWhatIsThere() throws {
    let remarks = try CommandLineTool.run(
      "inspect", "fixtures/mini-ziya/expected/logits.safetensors")
    #expect(remarks.output.contains("transformers LlamaForCausalLM, float32, CPU"))
    let people = try CommandLineTool.run("inspect", try convert())
    #expect(people.code == 0)
    #expect(people.output.contains("GGUF file, version 3"))
    #expect(people.output.contains("blk.0-3.ffn_down.weight"))
    for (path, kind, count) in [
      (Self.base, "Meta LLaMA folder", 40), (Self.delta, "Hugging Face folder", 43),
      ("fixtures/mini-ziya/base-hf", "Hugging Face folder", 39),
      ("\(Self.delta)/pytorch_model-00001-of-00003.bin", "PyTorch file", 14),
      ("fixtures/mini-ziya/base-hf/model-00001-of-00002.safetensors", "safetensors file", 19),
    ] {
      let result = try CommandLineTool.run("inspect", path, "--json")
      #expect(result.code == 0, "\(result.error)")
      #expect(result.json?["kind"] as? String == kind)
      #expect((result.json?["tensors"] as? [Any])?.count == count, "\(path)")
    }
  }

  @Test func hashGivesTorchsDigestsAndComparesThem() throws {
    let result = try CommandLineTool.run("hash", Self.base, "--delta", Self.delta, "--json")
    #expect(result.code == 0, "\(result.error)")
    let tensors = try #require(result.json?["tensors"] as? [[String: Any]])
    let json = try Fixtures.json(Fixtures.miniZiya("expected/merged-tensors.json"))
    let expected = try #require(json as? [String: [String: Any]])
    #expect(tensors.count == expected.count)
    for tensor in tensors {
      let item = try #require(expected[tensor["name"] as? String ?? ""])
      #expect(tensor["sha256"] as? String == item["sha256"] as? String)
      #expect(tensor["dtype"] as? String == item["dtype"] as? String)
      #expect(tensor["shape"] as? [Int] == item["shape"] as? [Int])
    }
    let manifest = try folder.write(result.output.utf8, to: "digests.json")
    let same = try CommandLineTool.run(
      "hash", "fixtures/mini-ziya/base-hf", "--delta", Self.delta, "--check", manifest)
    #expect(same.code == 0, "\(same.error)")
    let other = try CommandLineTool.run("hash", "fixtures/mini-ziya/base-hf", "--check", manifest)
    #expect(other.code == 78)
    #expect(other.error.contains("model.layers.{0…3}.mlp.down_proj.weight"))
    #expect(other.error.contains("more"))
    #expect(other.output.isEmpty)
  }

  @Test func dryRunWritesNothingAndIsExact() throws {
    let arguments = ["convert", Self.base, "--delta", Self.delta, "--type", "q4_0", "--json"]
    let file = folder("x.gguf")
    let plan = try CommandLineTool.run(arguments + ["--output", file, "--dry-run"])
    #expect(plan.code == 0)
    #expect(try folder.names() == [])
    #expect(plan.json?["written"] as? Bool == false)
    let written = try CommandLineTool.run(arguments + ["--output", file])
    #expect(written.json?["bytes"] as? Int == plan.json?["bytes"] as? Int)
    #expect(try Fixtures.bytes(file).count == written.json?["bytes"] as? Int)
  }

  @Test func tokenizeAndGenerateWork() throws {
    let tokens = try CommandLineTool.run("tokenize", Self.delta, "你好，世界！", "--json")
    #expect(tokens.json?["ids"] as? [Int] == [1, 1905, 2398, 2233, 2001, 2665, 2311, 2622])
    let alone = try CommandLineTool.run(
      "tokenize", "\(Self.delta)/tokenizer.model", "你好，世界！", "--json")
    #expect(alone.json?["ids"] as? [Int] == [1, 1905, 2398, 2233, 2001, 2665, 2311, 2622])
    let prompt = "深度学习是"
    let options = ["--prompt", prompt, "--max-tokens", "8", "--temperature", "0", "--json"]
    let fromFile = try CommandLineTool.run(["generate", try convert()] + options)
    let fromCheckpoint = try CommandLineTool.run(
      ["generate", Self.base, "--delta", Self.delta] + options)
    let ids = try #require(fromFile.json?["ids"] as? [Int])
    #expect(ids.count == 8)
    #expect(fromCheckpoint.json?["ids"] as? [Int] == ids)
  }
}
