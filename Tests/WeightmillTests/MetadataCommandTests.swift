import Foundation
import Testing
import WeightmillGGUF
import WeightmillTestSupport

/// `weightmill metadata` as a user runs it.
struct MetadataCommandTests {
  private let folder: TemporaryFolder
  private let file: String

  init() throws {
    folder = try TemporaryFolder()
    file = folder("m.gguf")
    let result = try CommandLineTool.run(
      "convert", "fixtures/mini-ziya/base-meta", "--delta", "fixtures/mini-ziya/delta", "--output",
      file, "--type", "q4_k_m", "--name", "Tiny")
    #expect(result.code == 0, "\(result.error)")
  }

  @discardableResult
  private func run(_ arguments: String...) throws -> CommandLineTool.Result {
    let result = try CommandLineTool.run(["metadata", file] + arguments)
    #expect(result.code == 0, "\(arguments): \(result.error)")
    return result
  }

  private func digests(_ path: String) throws -> [String: String] {
    let json = try CommandLineTool.run("hash", path, "--json").json
    let tensors = try #require(json?["tensors"] as? [[String: Any]])
    return Dictionary(
      uniqueKeysWithValues: tensors.compactMap {
        ($0["name"] as? String ?? "", $0["sha256"] as? String ?? "")
      })
  }

  @Test func allKeysAreShown() throws {
    let text = try run().output
    let metadata = try GGUFFile(path: file).metadata
    for entry in metadata.entries { #expect(text.contains("  \(entry.key)  ")) }
    #expect(text.contains(#""Tiny""#))
    #expect(text.contains("[str] of 3072"))
    let json = try run("--json").json
    let entries = try #require(json?["metadata"] as? [[String: Any]])
    #expect(entries.count == metadata.entries.count)
    let tokens = try #require(entries.first { $0["key"] as? String == "tokenizer.ggml.tokens" })
    #expect((tokens["value"] as? [String])?.count == 3072)
    #expect((json?["problems"] as? [String])?.isEmpty == true)
  }

  @Test func oneValueIsPrintedAsItIs() throws {
    let template = try #require(
      try GGUFFile(path: file).metadata["tokenizer.chat_template"]?.string)
    #expect(try run("--get", "tokenizer.chat_template").output == template)
    #expect(try run("--get", "general.name").output == "Tiny")
    #expect(try run("--get", "tokenizer.ggml.eos_token_id").output == "2\n")
    #expect(try run("--get", "tokenizer.ggml.tokens[1]").output == "<s>")
    let scores = try run("--get", "tokenizer.ggml.scores", "--json").json
    #expect(scores?["type"] as? String == "[f32]")
    #expect((scores?["value"] as? [Double])?.count == 3072)
    let none = try CommandLineTool.run("metadata", file, "--get", "general.none")
    #expect(none.code == 66 && none.error.contains("has no key"))
  }

  @Test func changesInPlaceAreSmallAndLeaveTensorsAlone() throws {
    let (before, digests) = (try Fixtures.bytes(file), try digests(file))
    let dry = try run("--special-token", "eos=<s>", "--dry-run").output
    #expect(dry.contains("tokenizer.ggml.eos_token_id  2 → 1"))
    #expect(dry.contains("nothing was written"))
    #expect(try Fixtures.bytes(file) == before)
    let done = try run("--special-token", "eos=<s>", "--set", "general.name=Huge").output
    #expect(done.contains("of the header changed in place"))
    #expect(try Fixtures.bytes(file).count == before.count)
    #expect(try self.digests(file) == digests)
    #expect(try run("--get", "tokenizer.ggml.eos_token_id").output == "1\n")
    #expect(try run("--special-token-by-id", "eos=1").output.contains("nothing to change"))
    #expect(try folder.names() == ["m.gguf"])
  }

  /// What was said of the weights' origin is still there, and still true of the tensors.
  @Test func aTemplateOfAnotherLengthIsWrittenToANewFile() throws {
    let template = "{% for m in messages %}\n{{ m.content }}\n{% endfor %}\n"
    let path = try folder.write(template.utf8, to: "t.jinja")
    let refused = try CommandLineTool.run(
      "metadata", file, "--set", "tokenizer.chat_template=@\(path)")
    #expect(refused.code == 73 && refused.error.contains("--output NEW.gguf"))
    let new = folder("new.gguf")
    let result = try run(
      "--set", "tokenizer.chat_template=@\(path)", "--output", new, "--json"
    ).json
    #expect(result?["inPlace"] as? Bool == false)
    #expect(try digests(new) == digests(file))
    let provenance = try ["m.gguf", "new.gguf"].map {
      try CommandLineTool.run("inspect", folder($0), "--provenance").output
    }
    #expect(!provenance[0].isEmpty)
    #expect(
      provenance[0].replacing("m.gguf", with: "") == provenance[1].replacing("new.gguf", with: ""))
    #expect(
      try CommandLineTool.run("metadata", new, "--get", "tokenizer.chat_template").output
        == template)
    let generated = try CommandLineTool.run("generate", new, "--prompt", "Hello", "-n", "2")
    #expect(generated.code == 0, "\(generated.error)")
    // And with --force, in its place.
    try run("--set", "tokenizer.chat_template=@\(path)", "--force")
    #expect(try Fixtures.bytes(file) == Fixtures.bytes(new))
  }

  @Test func templatesAreTakenFromAConfiguration() throws {
    let json =
      #"{"chat_template": [{"name": "default", "template": "a"}, {"name": "rag", "template": "b"}]}"#
    let path = try folder.write(json.utf8, to: "tokenizer_config.json")
    try run("--chat-template-file", path, "--force")
    let metadata = try GGUFFile(path: file).metadata
    #expect(metadata["tokenizer.chat_template"] == .string("a"))
    #expect(metadata["tokenizer.chat_template.rag"] == .string("b"))
    #expect(metadata["tokenizer.chat_templates"] == .strings(["rag"]))
    let jinja = try folder.write("c".utf8, to: "x.jinja")
    try run("--chat-template-file", jinja, "--force")
    let second = try GGUFFile(path: file).metadata
    #expect(second["tokenizer.chat_template"] == .string("c"))
    #expect(second["tokenizer.chat_templates"] == nil)
    let none = try folder.write("{}".utf8, to: "none.json")
    #expect(try CommandLineTool.run("metadata", file, "--chat-template-file", none).code == 66)
  }

  @Test func whatLlamaCppRefusesIsRefused() throws {
    let before = try Fixtures.bytes(file)
    for (arguments, code) in [
      (["--set", "llama.context_length=u64:1"], 78), (["--set", "llama.context_length=-1"], 64),
      (["--special-token-by-id", "eos=3072"], 64), (["--special-token", "eos=nothing"], 66),
      (["--special-token", "boss=<s>"], 64), (["--remove", "llama.block_count"], 78),
      (["--set", "split.count=2"], 64), (["--set", "weightmill.version=1"], 64),
      (["--set", "general.alignment=64"], 73),
      (["--set", "tokenizer.ggml.tokens=[]", "--force"], 78),
      (["--rename", "general.name"], 64), (["--output", "x.gguf"], 64),
      (["--get", "a", "--set", "general.name=b"], 64), (["--remove", "none"], 66),
    ] {
      let result = try CommandLineTool.run(["metadata", file] + arguments)
      #expect(result.code == Int32(code), "\(arguments): \(result.code) \(result.error)")
      let lines = result.error.split(separator: "\n").filter { !$0.contains(": note: ") }
      #expect(lines.count == 1, "\(arguments): \(result.error)")
    }
    #expect(try Fixtures.bytes(file) == before)
    #expect(try folder.names() == ["m.gguf"])
    try run("--set", "llama.context_length=u64:1", "--allow-problems", "--force")
    let shown = try run()
    #expect(shown.error.contains("llama.cpp reads u32 only"))
  }

  @Test func otherFilesAreNotRead() throws {
    for (path, code) in [
      ("fixtures/mini-ziya/base-hf", 77), ("fixtures/mini-ziya/base-hf/config.json", 65),
      ("none.gguf", 66),
    ] {
      #expect(try CommandLineTool.run("metadata", path).code == Int32(code), "\(path)")
    }
  }
}
