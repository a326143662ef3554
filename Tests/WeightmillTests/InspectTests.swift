import Foundation
import Testing
import WeightmillGGUF
import WeightmillTensors
import WeightmillTestSupport

/// `weightmill inspect` as a user runs it.
struct InspectTests {
  private static let base = "fixtures/mini-ziya/base-meta"
  private static let delta = "fixtures/mini-ziya/delta"
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func convert(_ type: String, _ options: String...) throws -> String {
    let path = folder("\(type).gguf")
    let result = try CommandLineTool.run(
      ["convert", Self.base, "--delta", Self.delta, "--output", path, "--type", type] + options)
    #expect(result.code == 0, "\(result.error)")
    return path
  }

  @Test func layersThatAreAlikeAreOneLine() throws {
    let file = try convert("q4_k_m")
    let result = try CommandLineTool.run("inspect", file)
    #expect(result.code == 0, "\(result.error)")
    let lines = result.output.split(separator: "\n").map(String.init)
    func line(_ name: String) -> [Substring]? {
      lines.first { $0.hasPrefix("  \(name) ") }?.split(separator: " ")
    }
    #expect(
      line("blk.0-3.attn_q.weight")?.map(String.init)
        == ["blk.0-3.attn_q.weight", "[256,", "256]", "Q4_K", "147,456", "4", "tensors"])
    // A mix gives some layers another type.
    #expect(lines.contains { $0.contains("attn_v.weight") && $0.contains("Q6_K") })
    #expect(lines.contains { $0.contains("attn_v.weight") && $0.contains("Q4_K") })
    #expect(line("output.weight") != nil)
    let listed = lines.drop { $0 != "tensors" }.dropFirst()
    let whole = try CommandLineTool.run("inspect", file, "--all").output.split(separator: "\n")
    let all = whole.drop { $0 != "tensors" }.dropFirst()
    #expect(all.count == 39 && listed.count < 20)
    #expect(all.contains { $0.hasPrefix("  blk.3.ffn_down.weight ") })
    let json = try #require(try CommandLineTool.run("inspect", file, "--json").json)
    #expect((json["tensors"] as? [Any])?.count == 39)
    let groups = try #require(json["groups"] as? [[String: Any]])
    #expect(groups.count == listed.count)
    #expect(groups.reduce(0) { $0 + ($1["tensors"] as? Int ?? 0) } == 39)
    #expect(
      groups.reduce(0) { $0 + ($1["bytes"] as? Int ?? 0) } == json["bytes"] as? Int)
  }

  @Test func theSameFileDoesNotDiffer() throws {
    let file = try convert("f16")
    let result = try CommandLineTool.run("inspect", file, file)
    #expect(result.code == 0)
    #expect(result.output.contains("\nsame     "))
    let json = try #require(try CommandLineTool.run("inspect", file, file, "--json").json)
    #expect(json["same"] as? Bool == true)
    #expect(json["sameTensors"] as? Int == 39)
    #expect((json["tensors"] as? [Any])?.isEmpty == true)
  }

  @Test func whatDiffersIsShown() throws {
    let (a, b) = (try convert("f16"), try convert("q8_0"))
    let result = try CommandLineTool.run("inspect", a, b)
    #expect(result.code == 1)
    let line = result.output.split(separator: "\n").first { $0.contains("blk.0-3.attn_q.weight") }
    #expect(
      line?.split(separator: " ").joined(separator: " ")
        == "blk.0-3.attn_q.weight F16 [256, 256] Q8_0 [256, 256]")
    #expect(result.output.contains("general.file_type"))
    #expect(!result.output.contains("llama.block_count"))
    #expect(result.output.contains("\nDIFFER   "))
    #expect(result.output.hasSuffix("30 tensors; 9 tensors do not\n"))
    let json = try #require(try CommandLineTool.run("inspect", a, b, "--json").json)
    #expect(json["same"] as? Bool == false)
    let tensors = try #require(json["tensors"] as? [[String: Any]])
    #expect(tensors.count == 30)
    #expect((tensors[0]["a"] as? [String: Any])?["type"] as? String == "F16")
    #expect((tensors[0]["b"] as? [String: Any])?["type"] as? String == "Q8_0")
    #expect(try CommandLineTool.run("inspect", a, b, "--all").output.contains("  blk.2.attn_q"))
  }

  @Test func keysTypesAndTokensThatDifferAreShown() throws {
    let file = try convert("f16")
    var other = try RewrittenGGUF(file)
    other.metadata["llama.block_count"] = .uint64(4)
    other.metadata["general.license"] = .string("mit")
    if case .array(let kind, var tokens)? = other.metadata["tokenizer.ggml.tokens"] {
      (tokens[7], tokens[9]) = (.string("x y"), .string("z"))
      other.metadata["tokenizer.ggml.tokens"] = .array(kind, tokens)
    }
    let last = other.tensors.removeLast()
    let result = try CommandLineTool.run("inspect", file, other.write(to: folder, "other.gguf"))
    #expect(result.code == 1)
    let lines = result.output.split(separator: "\n")
    func line(_ key: String) -> Substring { lines.first { $0.hasPrefix("  \(key) ") } ?? "" }
    #expect(line("llama.block_count").contains("4 (uint32)"))
    #expect(line("llama.block_count").contains("4 (uint64)"))
    #expect(
      line("general.license").split(separator: " ").map(String.init)
        == ["general.license", "-", "\"mit\""])
    #expect(line("tokenizer.ggml.tokens").hasSuffix("[7] \"x y\", and 1 more"))
    #expect(line(last.descriptor.name).hasSuffix("-"))
  }

  @Test func foldersAreComparedByTheirConfigurations() throws {
    let one = folder("one")
    try folder.copy("\(Fixtures.package)/fixtures/mini-ziya/base-hf", as: "one")
    try folder.copy("\(Fixtures.package)/fixtures/mini-ziya/base-hf", as: "two")
    #expect(try CommandLineTool.run("inspect", one, folder("two")).code == 0)
    let path = folder("two/config.json")
    let text = String(decoding: try Fixtures.bytes(path), as: UTF8.self)
    let changed = text.replacing("\"hidden_act\": \"silu\"", with: "\"hidden_act\": \"gelu\"")
    #expect(changed != text)
    try folder.write(changed.utf8, to: "two/config.json")
    let result = try CommandLineTool.run("inspect", one, folder("two"))
    #expect(result.code == 1)
    #expect(result.output.contains("hidden_act"))
    #expect(result.output.hasSuffix("DIFFER   1 field; 39 tensors do not\n"))
  }

  // MARK: The page

  @Test func thePageSaysWhatTheModelIs() throws {
    let file = try convert("q4_k_m", "--name", "A | *model*")
    var changed = try RewrittenGGUF(file)
    changed.metadata["general.license"] = .string("apache-2.0")
    changed.metadata["general.base_model.count"] = .uint32(1)
    changed.metadata["general.base_model.0.name"] = .string("<b>LLaMA</b>")
    let path = try changed.write(to: folder, "page.gguf")
    let result = try CommandLineTool.run("inspect", path, "--markdown")
    #expect(result.code == 0, "\(result.error)")
    let page = result.output
    #expect(page.hasPrefix("# A &#124; &#42;model&#42;\n"))
    for part in [
      "| architecture | <code>llama</code> |", "| parameters | 4,983,040 (4.98 M) |",
      "| context | 2,048 tokens |", "3,072 tokens |", "| licence | apache-2.0 |",
      "| base model | &#60;b&#62;LLaMA&#60;/b&#62; |", "| <code>Q4_K</code> | 25 |",
      "llama-server -m page.gguf\n```",
    ] {
      #expect(page.contains(part), "\(part): \(page)")
    }
    #expect(!page.contains("<b>"))
    // 25 matrices in Q4_K, 5 in Q6_K, gains in F32.
    let json = try #require(
      try CommandLineTool.run("inspect", path, "--markdown", "--json").json)
    let bits = try #require(json["bitsPerWeight"] as? Double)
    #expect(bits > 4.5 && bits < 6.6)
    #expect(json["hasChatTemplate"] as? Bool == true)
    #expect(json["license"] as? String == "apache-2.0")
    let types = try #require(json["types"] as? [[String: Any]])
    #expect(types.reduce(0) { $0 + ($1["tensors"] as? Int ?? 0) } == 39)
  }

  @Test func aFoldersPageSaysHowItBecomesAFile() throws {
    let page = try CommandLineTool.run("inspect", "fixtures/mini-ziya/base-hf", "--markdown").output
    #expect(page.hasPrefix("# base-hf\n"))
    #expect(page.contains("| licence | not said |"))
    #expect(page.contains("| chat template | none |"))
    #expect(page.contains("weightmill convert base-hf --type q4_k_m --output model-q4_k_m.gguf"))
  }

  @Test func aNameThatAShellReadsIsNotShown() throws {
    let path = folder("$(touch x).gguf")
    try FileManager.default.moveItem(atPath: convert("f16"), toPath: path)
    let page = try CommandLineTool.run("inspect", path, "--markdown").output
    #expect(page.contains("llama-server -m MODEL.gguf"))
    #expect(!page.contains("$("))
  }

  @Test func optionsThatDoNotGoTogetherAreRefused() throws {
    let base = "fixtures/mini-ziya/base-hf"
    for options in [
      ["--provenance", "--markdown"], [base, "--markdown"], [base, "--provenance"],
      ["--all", "--markdown"],
    ] {
      #expect(try CommandLineTool.run(["inspect", base] + options).code == 64, "\(options)")
    }
    #expect(try CommandLineTool.run("inspect", base, "nowhere").code == 66)
  }
}
