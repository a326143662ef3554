import Foundation
import Testing
import WeightmillTestSupport

/// `weightmill quantize` with llama-quantize's arguments and options.
struct QuantizeTests {
  private let folder: TemporaryFolder
  private let source: String

  init() throws {
    folder = try TemporaryFolder()
    source = folder("f16.gguf")
    let result = try CommandLineTool.run(
      "convert", "fixtures/mini-ziya/base-hf", "--output", source)
    #expect(result.code == 0, "\(result.error)")
  }

  /// Runs `quantize`, which must succeed, and returns what it says as JSON.
  private func quantize(_ arguments: String...) throws -> [String: Any] {
    let result = try CommandLineTool.run(["quantize", source] + arguments + ["--json"])
    #expect(result.code == 0, "\(result.error)")
    return try #require(result.json)
  }

  private func types(_ report: [String: Any]) throws -> [String: String] {
    let tensors = try #require(report["tensors"] as? [[String: Any]])
    return Dictionary(
      uniqueKeysWithValues: tensors.map {
        ($0["name"] as? String ?? "", $0["type"] as? String ?? "")
      })
  }

  private func expectFailure(
    _ code: Int32, _ part: String, _ arguments: [String],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let before = try folder.names()
    let result = try CommandLineTool.run(arguments)
    #expect(result.code == code, "\(result.error)", sourceLocation: sourceLocation)
    #expect(result.output.isEmpty, sourceLocation: sourceLocation)
    let lines = result.error.split(separator: "\n").filter { !$0.contains(": note: ") }
    #expect(lines.count == 1, "\(result.error)", sourceLocation: sourceLocation)
    #expect(lines.last?.contains(part) == true, "\(result.error)", sourceLocation: sourceLocation)
    #expect(try folder.names() == before, sourceLocation: sourceLocation)
  }

  @Test func withoutAnOutputTheNameIsLlamaQuantizes() throws {
    let report = try quantize("q8_0")
    #expect(report["output"] as? String == folder("ggml-model-Q8_0.gguf"))
    #expect(try folder.names() == ["f16.gguf", "ggml-model-Q8_0.gguf"])
    try expectFailure(73, "exists already", ["quantize", source, "Q8_0"])
    try expectFailure(
      64, "is no type; a type comes last", ["quantize", source, folder("b.gguf")])
    try expectFailure(64, "Missing expected argument", ["quantize", source])
    try expectFailure(64, "q5_k_m, q5_k_s", ["quantize", source, folder("b.gguf"), "q9"])
  }

  @Test func copyKeepsAllTypes() throws {
    _ = try quantize(folder("q4_0.gguf"), "q4_0")
    let small = folder("q4_0.gguf")
    let result = try CommandLineTool.run(
      "quantize", small, folder("copy.gguf"), "COPY", "--override-kv", "x.y=int:3", "--json")
    #expect(result.code == 0, "\(result.error)")
    let report = try #require(result.json)
    #expect(try types(report)["blk.0.ffn_up.weight"] == "Q4_0")
    try expectFailure(
      64, "--pure would have no effect", ["quantize", small, "copy", "--pure", "--dry-run"])
  }

  @Test func namesHaveAliasesAndAnyCase() throws {
    let sizes = try ["q4_k_m", "Q4_K", "q4_K"].map { type in
      try quantize(folder("x.gguf"), type, "--dry-run")["bytes"] as? Int
    }
    #expect(sizes[0] != nil && Set(sizes).count == 1)
  }

  /// The size is known whether or not the type can be written.
  @Test(arguments: ["q4_0", "q4_k_m", "iq2_xxs", "iq1_s", "tq1_0", "mxfp4_moe", "bf16"])
  func aDryRunIsExact(type: String) throws {
    let plan = try quantize(folder("x.gguf"), type, "--dry-run")
    let size = try #require(plan["bytes"] as? Int)
    #expect(try folder.names() == ["f16.gguf"])
    let run = try CommandLineTool.run("quantize", source, folder("x.gguf"), type)
    let notes = try #require(plan["notes"] as? [String])
    if run.code == 0 {
      #expect(notes.isEmpty)
      #expect(try Fixtures.bytes(folder("x.gguf")).count == size)
    } else {
      #expect(run.code == 69 || run.code == 64, "\(run.error)")
      #expect(notes.count == 1 && notes[0].hasPrefix("this cannot be written: "))
      #expect(try folder.names() == ["f16.gguf"])
    }
  }

  @Test func everyOptionHasItsEffect() throws {
    let rules = try folder.write("attn_k=q8_0\nffn_up=q4_0\n".utf8, to: "rules.txt")
    let report = try quantize(
      folder("x.gguf"), "q8_0", "--tensor-type", "blk\\.[01]\\.ffn=q4_0", "--tensor-type",
      "attn_Q=f16", "--tensor-type-file", rules, "--output-tensor-type", "q6_k",
      "--token-embedding-type", "BF16", "--prune-layers", "3,1", "--override-kv",
      "general.name=str:small", "--override-kv", "llama.context_length=int:77", "--encoder",
      "compatible", "--tensor-type", "nothing=q8_0")
    let types = try types(report)
    #expect(types.count == 21)
    #expect(types["blk.1.ffn_up.weight"] == "Q4_0")
    #expect(types["blk.1.attn_q.weight"] == "F16")
    #expect(types["blk.1.attn_k.weight"] == "Q8_0")
    #expect(types["output.weight"] == "Q6_K")
    #expect(types["token_embd.weight"] == "BF16")
    let notes = try #require(report["notes"] as? [String])
    #expect(notes.count == 2, "\(notes)")
    #expect(notes.contains { $0.contains("\"nothing=q8_0\" decides the type of no tensor") })
    #expect(notes.contains { $0.contains("\"ffn_up=q4_0\" decides the type of no tensor") })
    let inspected = try CommandLineTool.run("inspect", folder("x.gguf"))
    for part in [
      "\"small\"", "uint32                 77",
      "block_count                       uint32                 2",
    ] {
      #expect(inspected.output.contains(part), "\(part)")
    }
  }

  @Test func leaveOutputAndPure() throws {
    let left = try types(quantize(folder("x.gguf"), "q4_0", "--leave-output-tensor"))
    #expect(left["output.weight"] == "F16")
    let pure = try types(quantize(folder("y.gguf"), "q4_0", "--pure"))
    #expect(Set(pure.values) == ["Q4_0", "F32"])
  }

  @Test func quantizedFilesNeedLeave() throws {
    _ = try quantize(folder("x.gguf"), "q8_0")
    try expectFailure(
      69, "--allow-requantize", ["quantize", folder("x.gguf"), folder("y.gguf"), "q4_0"])
    let result = try CommandLineTool.run(
      "quantize", folder("x.gguf"), folder("y.gguf"), "q4_0", "--allow-requantize")
    #expect(result.code == 0, "\(result.error)")
  }

  @Test func convertDoesItInOnePass() throws {
    let arguments = ["--tensor-type", "ffn_down=f16", "--prune-layers", "0"]
    let one = try CommandLineTool.run(
      ["convert", "fixtures/mini-ziya/base-hf", "--output", folder("x.gguf"), "--name", "f16"]
        + ["--type", "q8_0"] + arguments)
    #expect(one.code == 0, "\(one.error)")
    let two = try CommandLineTool.run(
      ["quantize", source, folder("y.gguf"), "q8_0", "--override-kv", "general.name=str:f16"]
        + arguments)
    #expect(two.code == 0, "\(two.error)")
    let hashes = try ["x", "y"].map { try CommandLineTool.run("hash", folder("\($0).gguf")).output }
    #expect(hashes[0].contains("blk.2.attn_q") && !hashes[0].contains("blk.3"))
    #expect(hashes[0] == hashes[1])
    try expectFailure(
      64, "--pure goes with --format gguf",
      ["convert", "fixtures/mini-ziya/base-hf", "--output", folder("z"), "--pure"]
        + ["--format", "safetensors"])
  }

  @Test(
    arguments: [
      (64, "PATTERN=TYPE", ["--tensor-type", "x"]), (64, "is no type", ["--tensor-type", "x=q9"]),
      (64, "is a mix of types", ["--output-tensor-type", "q4_k_m"]),
      (64, "is no type", ["--token-embedding-type", "i8"]),
      (64, "no regular expression", ["--tensor-type", "[=q8_0"]),
      (66, "no such file", ["--tensor-type-file", "/nope"]),
      (66, "no such file", ["--imatrix", "/nope"]),
      (64, "KEY=TYPE:VALUE", ["--override-kv", "a"]),
      (64, "no integer", ["--override-kv", "a=int:-3"]),
      (64, "layout of the file", ["--override-kv", "split.no=int:3"]),
      (64, "has no layer 9", ["--prune-layers", "1,9"]),
      (64, "no layers left", ["--prune-layers", "0,1,2,3"]),
      (64, "invalid for '--prune-layers", ["--prune-layers", "1,,2"]),
      (64, "invalid for '--prune-layers", ["--prune-layers", "one"]),
      (64, "invalid for '--encoder", ["--encoder", "worst"]),
      (64, "goes with --imatrix", ["--include-weights", "x"]),
      (64, "exclude each other", ["--include-weights", "x", "--exclude-weights", "y"]),
      (64, "exclude each other", ["--leave-output-tensor", "--output-tensor-type", "f16"]),
      (64, "no closed forms", ["--encoder", "compatible", "--imatrix", "x"]),
    ] as [(Int32, String, [String])])
  func optionsThatMakeNoSense(code: Int32, part: String, options: [String]) throws {
    try expectFailure(code, part, ["quantize", source, folder("x.gguf"), "q8_0"] + options)
  }

  @Test func splitFilesAreOneModel() throws {
    let parts = try SplitFiles().write(source, to: folder, "s")
    let whole = try CommandLineTool.run("hash", source).output
    #expect(try CommandLineTool.run("hash", parts[2]).output == whole)
    for part in [parts[0], parts[1]] {
      let result = try CommandLineTool.run("inspect", part, "--json")
      #expect((result.json?["tensors"] as? [Any])?.count == 39)
    }
    let kept = try CommandLineTool.run(
      "quantize", parts[1], "q8_0", "--keep-split", "--json")
    #expect(kept.code == 0, "\(kept.error)")
    let names = (0..<3).map { SplitFiles.name("ggml-model-Q8_0", $0, of: 3) }
    let files = try #require(kept.json?["files"] as? [[String: Any]])
    #expect(files.map { $0["name"] as? String } == names)
    for (file, name) in zip(files, names) {
      #expect(try Fixtures.bytes(folder(name)).count == file["bytes"] as? Int)
    }
    _ = try quantize(folder("one.gguf"), "q8_0")
    let hashes = try [names[1], "one.gguf"].map {
      try CommandLineTool.run("hash", folder($0)).output
    }
    #expect(hashes[0] == hashes[1])
    try expectFailure(73, "exists already", ["quantize", parts[1], "q8_0", "--keep-split"])
    let text = try CommandLineTool.run(
      "generate", folder(names[0]), "--prompt", "The", "--count", "2")
    #expect(text.code == 0, "\(text.error)")
    try FileManager.default.removeItem(atPath: parts[2])
    try expectFailure(66, "the part is missing", ["quantize", parts[0], folder("z.gguf"), "q8_0"])
    try expectFailure(66, "s-00003-of-00003.gguf", ["inspect", parts[0]])
  }

  @Test func keepSplitSaysWhenItDoesNothing() throws {
    let notes = try quantize(folder("x.gguf"), "q8_0", "--keep-split")["notes"] as? [String]
    #expect(notes == ["--keep-split has no effect: the input is one file"])
  }

  @Test func rowsThatDoNotFitAreNamedTogether() throws {
    let model = try SmallModel(layers: 4).write(to: folder, "small")
    let result = try CommandLineTool.run(
      "convert", model, "--output", folder("x.gguf"), "--type", "q4_k_m", "--dry-run")
    #expect(result.code == 0, "\(result.error)")
    let lines = result.error.split(separator: "\n").filter { $0.contains("instead of") }
    #expect(lines.count == 2)
    #expect(
      lines.first?.contains(
        "Q5_0 instead of Q4_K, since rows of 64 values are no multiple of 256: "
          + "\"token_embd.weight\"") == true)
    #expect(lines.last?.contains("Q8_0 instead of Q6_K") == true)
    #expect(lines.last?.contains("\"output.weight\"") == true)
  }
}
