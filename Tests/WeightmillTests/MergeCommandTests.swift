import Foundation
import Testing
import WeightmillTestSupport

/// `weightmill merge` in the place of the documented script, and `convert --format safetensors`.
struct MergeCommandTests {
  private static let base = "fixtures/mini-ziya/base-meta"
  private static let delta = "fixtures/mini-ziya/delta"
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// torch's digests of the merged tensors, as `hash --check` takes them.
  private func manifest() throws -> String {
    let json = try Fixtures.json(Fixtures.miniZiya("expected/merged-tensors.json"))
    let tensors = try #require(json as? [String: [String: Any]])
    let list = tensors.map { name, tensor in tensor.merging(["name": name]) { $1 } }
    let data = try JSONSerialization.data(withJSONObject: ["tensors": list])
    return try folder.write(data, to: "manifest.json")
  }

  private func names(_ name: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder(name)).sorted()
  }

  /// The letters of the model card, of the script's own help, and with every option of ours.
  @Test(arguments: [
    ["--base", "--delta", "--target"],
    ["--base-model-path", "--delta-path", "--target-model-path", "--low-cpu-mem"],
    [
      "--base", "--delta-path", "--target", "--delta-kind", "ziya", "--type", "f16",
      "--max-shard-size", "3MB", "--strict", "--force", "--threads", "1", "--quiet",
    ],
  ])
  func theDocumentedOptionsGiveTheDocumentedResult(options: [String]) throws {
    let target = folder("merged")
    let result = try CommandLineTool.run(
      ["merge", options[0], Self.base, options[1], Self.delta, options[2], target]
        + options.dropFirst(3))
    #expect(result.code == 0, "\(result.error)")
    // Which family it is, and the evidence.
    let lines = result.error.split(separator: "\n")
    #expect(lines.count == 2 && lines.allSatisfy { $0.hasPrefix("weightmill: note: ") })
    #expect(result.output.contains("39 × F16"))
    let check = try CommandLineTool.run("hash", target, "--check", manifest())
    #expect(check.code == 0, "\(check.error)")
    #expect(check.output.contains("all 39 tensors agree"))
  }

  @Test func mergeAndConvertWriteTheSame() throws {
    _ = try CommandLineTool.run(
      "merge", "--base", Self.base, "--delta", Self.delta, "--target", folder("a"),
      "--max-shard-size", "2MB")
    _ = try CommandLineTool.run(
      "convert", Self.base, "--delta", Self.delta, "--output", folder("b"), "--format",
      "safetensors", "--max-shard-size", "2000000")
    #expect(try names("a") == names("b"))
    #expect(try names("a").filter { $0.hasSuffix(".safetensors") }.count == 6)
    for name in try names("a") {
      #expect(try Fixtures.bytes(folder("a/\(name)")) == Fixtures.bytes(folder("b/\(name)")))
    }
  }

  @Test func aDryRunTellsEveryFileToTheByte() throws {
    let arguments = [
      "merge", "--base", Self.base, "--delta", Self.delta, "--target", folder("x"),
      "--max-shard-size", "2MB",
    ]
    let plan = try CommandLineTool.run(arguments + ["--dry-run", "--json"])
    #expect(plan.code == 0, "\(plan.error)")
    #expect(try folder.names() == [])
    let people = try CommandLineTool.run(arguments + ["--dry-run"])
    #expect(people.output.contains("model-00006-of-00006.safetensors"))
    #expect(people.output.contains("nothing was written"))
    let written = try CommandLineTool.run(arguments + ["--json"])
    let files = try #require(plan.json?["files"] as? [[String: Any]])
    #expect(written.json?["written"] as? Bool == true)
    #expect(NSArray(array: files) == NSArray(array: written.json?["files"] as? [Any] ?? []))
    #expect(files.compactMap { $0["name"] as? String }.sorted() == (try names("x")))
    var total = 0
    for file in files {
      let bytes = try Fixtures.bytes(folder("x/\(file["name"] as? String ?? "")")).count
      #expect(file["bytes"] as? Int == bytes)
      total += bytes
    }
    #expect(plan.json?["bytes"] as? Int == total)
    let tensors = try #require(written.json?["tensors"] as? [[String: Any]])
    #expect(tensors.first?["file"] as? String == "model-00001-of-00006.safetensors")
  }

  @Test func aTargetWithinTheDeltaIsRefused() throws {
    let delta = try folder.copy(Fixtures.miniZiya("delta"), as: "delta")
    let before = try names("delta")
    for target in [delta, "\(delta)/merged"] {
      let result = try CommandLineTool.run(
        "merge", "--base", Self.base, "--delta", delta, "--target", target, "--force")
      #expect(result.code == 73)
      #expect(result.output.isEmpty)
      #expect(result.error.contains("input"), "\(result.error)")
    }
    #expect(try names("delta") == before)
  }

  @Test func strictRunsEndInAnError() throws {
    var model = SmallModel()
    model.change = { name, values in
      if name.contains("q_proj") { values[0] = .infinity }
    }
    let path = try model.write(to: folder, "model")
    for arguments in [
      ["convert", path, "--output", folder("x"), "--format", "safetensors"],
      ["convert", path, "--output", folder("x.gguf")],
    ] {
      let result = try CommandLineTool.run(arguments + ["--strict"])
      #expect(result.code == 65)
      #expect(result.error.contains("1 value that is not finite"), "\(result.error)")
      #expect(try folder.names() == ["model"])
      let lenient = try CommandLineTool.run(arguments + ["--dry-run"])
      #expect(lenient.code == 0)
    }
    let result = try CommandLineTool.run("convert", path, "--output", folder("x.gguf"), "--json")
    let tensors = try #require(result.json?["tensors"] as? [[String: Any]])
    let query = try #require(tensors.first { $0["name"] as? String == "blk.0.attn_q.weight" })
    #expect(query["nonFinite"] as? Int == 1)
    #expect(query["overflowed"] as? Int == 0)
    let strict = try CommandLineTool.run(
      "quantize", folder("x.gguf"), folder("y.gguf"), "f32", "--strict")
    #expect(strict.code == 65)
    #expect(try folder.names() == ["model", "x.gguf"])
  }

  @Test(arguments: [
    ["merge", "--base", "a", "--target", "b"], ["merge", "--base", "a", "--delta", "b"],
    ["merge", "--base", "a", "--delta", "b", "--target", "c", "--type", "q8_0"],
    ["merge", "--base", "a", "--delta", "b", "--target", "c", "--max-shard-size", "5PB"],
    ["merge", "--base", "a", "--delta", "b", "--target", "c", "--max-shard-size", "0"],
    ["merge", "--base", "a", "--delta", "b", "--target", "c", "--max-shard-size", "-5GB"],
    [
      "merge", "--base", "a", "--delta", "b", "--target", "c", "--max-shard-size",
      "99999999999999999999GB",
    ],
    ["convert", "x", "--output", "y", "--max-shard-size", "5GB"],
    ["convert", "x", "--output", "y", "--format", "safetensors", "--type", "q4_0"],
    ["convert", "x", "--output", "y.gguf", "--format", "safetensors"],
    ["convert", "x", "--output", "y", "--format", "safetensors", "--name", "z"],
    ["convert", "x", "--output", "y", "--format", "pytorch"],
  ])
  func wrongUsage(arguments: [String]) throws {
    let result = try CommandLineTool.run(arguments)
    #expect(result.code == 64, "\(result.error)")
    #expect(result.error.hasSuffix("--help`\n"), "\(result.error)")
  }
}
