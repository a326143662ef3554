import Foundation
import Testing
import WeightmillGGUF
import WeightmillTestSupport

/// `weightmill hash --as-checkpoint`: one model's digests, whatever file it is in.
struct CheckpointFormTests {
  private static let base = "fixtures/mini-ziya/base-meta"
  private static let delta = "fixtures/mini-ziya/delta"
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func digests(_ arguments: String...) throws -> [[String: Any]] {
    let result = try CommandLineTool.run(["hash"] + arguments + ["--json"])
    #expect(result.code == 0, "\(result.error)")
    return try #require(result.json?["tensors"] as? [[String: Any]])
  }

  private func convert(_ model: String, _ options: String..., as name: String) throws -> String {
    let result = try CommandLineTool.run(
      ["convert", model, "--output", folder(name)] + options)
    #expect(result.code == 0, "\(result.error)")
    return folder(name)
  }

  @Test func everyFormOfTheMergedModelHasItsDigests() throws {
    let merged = try digests(Self.base, "--delta", Self.delta)
    #expect(merged.count == 39)
    let file = try convert(Self.base, "--delta", Self.delta, as: "f16.gguf")
    let model = try convert(
      Self.base, "--delta", Self.delta, "--format", "safetensors", "--max-shard-size", "2MB",
      as: "hf")
    let parts = try SplitFiles().write(file, to: folder, "part")
    for path in [file, model, parts[1]] {
      let found = try digests(path, "--as-checkpoint")
      #expect(NSArray(array: found) == NSArray(array: merged), "\(path)")
    }
    let again = try digests(Self.base, "--delta", Self.delta, "--as-checkpoint")
    #expect(NSArray(array: again) == NSArray(array: merged))
    // torch's digests.
    let expected = try #require(
      try Fixtures.json(Fixtures.miniZiya("expected/merged-tensors.json"))
        as? [String: [String: Any]]
    )
    for tensor in merged {
      let name = try #require(tensor["name"] as? String)
      #expect(tensor["sha256"] as? String == expected[name]?["sha256"] as? String)
    }
  }

  @Test func aListIsCheckedAgainstAnyForm() throws {
    let list = try CommandLineTool.run("hash", Self.base, "--delta", Self.delta, "--json")
    let path = try folder.write(list.output.utf8, to: "list.json")
    let file = try convert(Self.base, "--delta", Self.delta, as: "f16.gguf")
    let result = try CommandLineTool.run("hash", file, "--as-checkpoint", "--check", path)
    #expect(result.code == 0, "\(result.error)")
    #expect(result.output.contains("all 39 tensors agree"))
    #expect(result.error.contains("9 F32 vectors are taken as F16"))
    // Without the option, names and types are those of the file.
    #expect(try CommandLineTool.run("hash", file, "--check", path).code == 78)
    let other = try convert(Self.base, as: "base.gguf")
    #expect(
      try CommandLineTool.run("hash", other, "--as-checkpoint", "--check", path).code == 78)
  }

  @Test func metasLayoutHasHuggingFacesDigests() throws {
    let there = try digests(Self.base, "--as-checkpoint")
    let here = try digests("fixtures/mini-ziya/base-hf")
    func sorted(_ list: [[String: Any]]) -> NSArray {
      NSArray(array: list.sorted { "\($0["name"] ?? "")" < "\($1["name"] ?? "")" })
    }
    #expect(sorted(there) == sorted(here))
  }

  @Test(arguments: [("bf16", "BF16"), ("f32", "F32")])
  func vectorsHaveTheMatricesType(type: String, name: String) throws {
    var model = SmallModel()
    // A few bits, so that every type holds them.
    model.change = { _, values in values = values.map { $0 > 0 ? 0.5 : -0.25 } }
    let file = try convert(model.write(to: folder, "m"), "--type", type, as: "x.gguf")
    let found = try digests(file, "--as-checkpoint")
    #expect(found.count == 12)
    #expect(found.allSatisfy { $0["dtype"] as? String == name })
  }

  @Test func aVectorThatDoesNotFitKeepsItsType() throws {
    let file = try convert(SmallModel().write(to: folder, "m"), as: "x.gguf")
    var changed = try RewrittenGGUF(file)
    changed["output_norm.weight"][0] = 1
    let path = try changed.write(to: folder, "y.gguf")
    let result = try CommandLineTool.run("hash", path, "--as-checkpoint", "--json")
    let found = try #require(result.json?["tensors"] as? [[String: Any]])
    let wide = found.filter { $0["dtype"] as? String == "F32" }
    #expect(wide.map { $0["name"] as? String } == ["model.norm.weight"])
    #expect(result.error.contains("F32 stays, as values are none of the matrices' type"))
    #expect(result.error.contains("model.norm.weight"))
  }

  @Test func quantizedFilesHaveNoDigestsOfACheckpoint() throws {
    let file = try convert(Self.base, "--type", "q8_0", as: "q8_0.gguf")
    let result = try CommandLineTool.run("hash", file, "--as-checkpoint")
    #expect(result.code == 69)
    #expect(result.error.contains("is quantized") && result.error.contains("weightmill compare"))
    #expect(result.output.isEmpty)
  }

  @Test func whatIsNoModelIsRefused() throws {
    let result = try CommandLineTool.run("hash", "fixtures/lora", "--as-checkpoint")
    #expect(result.code != 0 && result.output.isEmpty)
  }
}
