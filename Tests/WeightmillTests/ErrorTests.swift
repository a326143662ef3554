import Foundation
import Testing
import WeightmillTestSupport

/// Wrong input: one line on standard error, nothing on standard output, the right exit code.
struct ErrorTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func expect(
    _ code: Int32, _ part: String, _ arguments: [String],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let result = try CommandLineTool.run(arguments)
    #expect(result.code == code, "\(result.error)", sourceLocation: sourceLocation)
    #expect(result.output.isEmpty, sourceLocation: sourceLocation)
    let lines = result.error.split(separator: "\n")
    #expect(lines.count == 1, "\(result.error)", sourceLocation: sourceLocation)
    #expect(result.error.hasPrefix("weightmill: "), sourceLocation: sourceLocation)
    #expect(result.error.contains(part), "\(result.error)", sourceLocation: sourceLocation)
  }

  private func convert(_ model: String, _ more: String...) -> [String] {
    ["convert", model, "--output", folder("x.gguf")] + more
  }

  @Test func aDeltaGivenAsTheModel() throws {
    try expect(78, "holds delta weights", convert("fixtures/mini-ziya/delta"))
  }

  @Test func aModelGivenAsTheDelta() throws {
    try expect(
      78, "not a delta",
      convert("fixtures/mini-ziya/base-meta", "--delta", "fixtures/mini-ziya/base-hf"))
  }

  @Test func aFolderWithoutACheckpoint() throws {
    try expect(66, "holds no checkpoint", convert(folder.path))
  }

  @Test func nothingThere() throws {
    try expect(66, "no such file or folder", convert(folder("nothing")))
  }

  @Test func aMissingShard() throws {
    let copy = try folder.copy(Fixtures.miniZiya("delta"), as: "copy")
    try FileManager.default.removeItem(atPath: "\(copy)/pytorch_model-00003-of-00003.bin")
    try expect(66, "00003-of-00003.bin", convert("fixtures/mini-ziya/base-meta", "--delta", copy))
  }

  @Test func aTruncatedZip() throws {
    let copy = try folder.copy(Fixtures.miniZiya("base-meta"), as: "copy")
    let bytes = try Fixtures.bytes("\(copy)/consolidated.01.pth")
    try folder.write(bytes.dropLast(1000), to: "copy/consolidated.01.pth")
    try expect(65, "zip file without its end", convert(copy))
  }

  @Test func aGitLFSPointer() throws {
    let copy = try folder.copy(Fixtures.miniZiya("base-hf"), as: "copy")
    try folder.write(
      "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n".utf8,
      to: "copy/model-00001-of-00002.safetensors")
    try expect(65, "git lfs pull", convert(copy))
  }

  @Test func aWebPage() throws {
    let copy = try folder.copy(Fixtures.miniZiya("base-hf"), as: "copy")
    try folder.write(
      "<!doctype html><title>403</title>".utf8, to: "copy/model-00001-of-00002.safetensors")
    try expect(65, "web page", convert(copy))
  }

  @Test func embeddingsOfAnotherHeight() throws {
    // A delta whose configuration says 2000 rows, as the base has, but whose tensors have 3072.
    let copy = try folder.copy(Fixtures.miniZiya("delta"), as: "copy")
    let config = try String(contentsOfFile: "\(copy)/config.json", encoding: .utf8)
    try folder.write(
      config.replacingOccurrences(of: "3072", with: "2000").utf8, to: "copy/config.json")
    try expect(
      78, "[3072, 256], not [2000, 256]",
      convert("fixtures/mini-ziya/base-meta", "--delta", copy))
  }

  @Test func aBaseOfAnotherShape() throws {
    // The shape of Llama 2's larger models: fewer heads for keys and values.
    let base = try SmallModel(layers: 2, keyValueHeads: 1).write(to: folder, "llama2")
    try expect(78, "does not fit the base", convert(base, "--delta", "fixtures/mini-ziya/delta"))
  }

  @Test func anOutputThatExists() throws {
    try folder.write([1], to: "x.gguf")
    try expect(73, "--force", convert("fixtures/mini-ziya/base-hf"))
    #expect(try Fixtures.bytes(folder("x.gguf")) == [1])
  }

  @Test("OUT-02: an output is no input") func anOutputThatIsAnInput() throws {
    _ = try CommandLineTool.run(convert("fixtures/mini-ziya/base-hf"))
    let file = folder("x.gguf")
    try expect(73, "is an input", ["quantize", file, file, "q8_0", "--force"])
  }

  @Test func anOutputFolderThatDoesNotExist() throws {
    try expect(
      73, "folder does not exist",
      ["convert", "fixtures/mini-ziya/base-hf", "--output", folder("no/x.gguf")])
  }

  @Test func aDryRunRefusesWhatTheRunWould() throws {
    try folder.write([1], to: "x.gguf")
    try expect(73, "--force", convert("fixtures/mini-ziya/base-hf", "--dry-run"))
    try expect(
      73, "is an input",
      [
        "convert", "fixtures/mini-ziya/base-hf", "--output",
        "fixtures/mini-ziya/base-hf/config.json",
        "--force", "--dry-run",
      ])
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
  func outputThatIsLostIsNoSuccess() throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: CommandLineTool.path)
    process.arguments = ["inspect", Fixtures.miniZiya("base-hf")]
    process.standardOutput = FileHandle(forWritingAtPath: "/dev/full")
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 74)
  }

  @Test func aVocabularyOfOneTokenIsNoTrap() throws {
    var file = Bytes()
    file.put("GGUF")
    file.put(UInt32(3))
    file.put(UInt64(0))
    file.put(UInt64(2))
    func key(_ name: String) {
      file.put(UInt64(name.utf8.count))
      file.put(name)
    }
    key("tokenizer.ggml.model")
    file.put(UInt32(8))
    key("llama")
    key("tokenizer.ggml.tokens")
    file.put(UInt32(9))
    file.put(UInt32(8))
    file.put(UInt64(1))
    key("a")
    let path = try folder.write(file.all + [UInt8](repeating: 0, count: 64), to: "x.gguf")
    let result = try CommandLineTool.run("tokenize", path, "a")
    #expect(result.code == 0, "\(result.error)")
  }

  @Test("OUT-01: a signal ends the work and leaves nothing")
  func aSignalEndsTheWorkAndLeavesNothing() throws {
    var model = SmallModel(rows: 40_000)
    model.hidden = 512
    let base = try model.write(to: folder, "base")
    let outputs = [
      ["--output", folder("x.gguf"), "--type", "q6_k"],
      ["--output", folder("x"), "--format", "safetensors", "--type", "f32"],
    ]
    for output in outputs {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: CommandLineTool.path)
      process.arguments = ["convert", base, "--threads", "1"] + output
      process.standardError = FileHandle.nullDevice
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      // The temporary file, or folder, tells that the work has begun.
      for _ in 0..<2000 where try folder.names().count == 1 && process.isRunning { usleep(1000) }
      process.terminate()
      process.waitUntilExit()
      #expect(process.terminationReason == .exit)
      #expect(process.terminationStatus == 130)
      #expect(try folder.names() == ["base"])
    }
  }

  @Test func aHostilePickle() throws {
    var pickle = PickleBuilder()
    pickle.global("os", "system")
    pickle.text("echo hacked")
    pickle.raw([0x85])
    pickle.op("R")
    pickle.op(".")
    let path = try folder.write(TorchFileBuilder(pickle: pickle.bytes).bytes, to: "x.bin")
    try expect(77, "os.system", ["inspect", path])
  }

  @Test func textThatIsNotUTF8() throws {
    _ = try CommandLineTool.run(convert("fixtures/mini-ziya/base-hf"))
    let text = try folder.write([0xFF, 0xFE], to: "text.txt")
    try expect(
      65, "not valid UTF-8",
      [
        "verify-logits", folder("x.gguf"), "--reference", "fixtures/mini-ziya/base-hf", "--text",
        text,
      ])
  }

  @Test func modelsThatCannotBeCompared() throws {
    _ = try CommandLineTool.run(convert("fixtures/mini-ziya/base-hf"))
    let text = try folder.write("Hello".utf8, to: "text.txt")
    try expect(
      78, "predicts 2000 tokens, the reference 3072",
      [
        "verify-logits", folder("x.gguf"), "--reference", "fixtures/mini-ziya/base-meta",
        "--delta", "fixtures/mini-ziya/delta", "--text", text,
      ])
    let empty = try folder.write([], to: "empty.txt")
    try expect(
      78, "too short",
      [
        "verify-logits", folder("x.gguf"), "--reference", "fixtures/mini-ziya/base-hf", "--text",
        empty,
      ])
  }

  @Test(arguments: [
    ["convert"], ["quantize", "a", "b", "q9"], ["convert", "x", "y"], ["nonsense"],
    ["convert", "x", "--output", "y", "--threads", "0"],
    ["convert", "x", "--output", "y", "--wat"],
    ["verify-logits", "a", "--reference", "b", "--text", "c", "--min-top1", "2"],
    ["verify-logits", "a", "--reference", "b", "--text", "c", "--max-kld", "nan"],
    ["generate", "x", "--prompt", "y", "--count", "0"],
    ["convert", "x", "--output", "y", "--delta-kind", "add"],
    ["convert", "x", "--output", "y", "--delta", "z", "--delta-kind", "xor"],
  ])
  func wrongUsage(arguments: [String]) throws {
    try expect(64, "--help`", arguments)
  }

  @Test(arguments: [
    [], ["--help"], ["convert", "--help"], ["verify-logits", "--help"], ["--version"],
    ["--generate-completion-script", "bash"],
  ])
  func helpIsNoError(arguments: [String]) throws {
    let result = try CommandLineTool.run(arguments)
    #expect(result.code == 0)
    #expect(!result.output.isEmpty)
    #expect(result.error.isEmpty)
  }
}
