import Foundation
import Testing
import WeightmillGGUF
import WeightmillTestSupport

/// `weightmill split` and `weightmill join`.
struct SplitCommandTests {
  private let folder: TemporaryFolder
  private let whole: String

  init() throws {
    folder = try TemporaryFolder()
    whole = folder("whole.gguf")
    let result = try CommandLineTool.run(
      "convert", "fixtures/mini-ziya/base-meta", "--delta", "fixtures/mini-ziya/delta", "--output",
      whole, "--type", "q4_k_m")
    #expect(result.code == 0, "\(result.error)")
  }

  private func run(_ arguments: String...) throws {
    let result = try CommandLineTool.run(arguments)
    #expect(result.code == 0, "\(result.error)")
  }

  private func parts(_ stem: String) throws -> [String] {
    try folder.names().filter { $0.hasPrefix("\(stem)-0") }
  }

  private func expectJoined(_ part: String, _ original: String) throws {
    try? FileManager.default.removeItem(atPath: folder("joined.gguf"))
    try run("join", folder(part), folder("joined.gguf"))
    #expect(try Fixtures.bytes(folder("joined.gguf")) == Fixtures.bytes(original))
  }

  /// The numbers of files are those that llama-gguf-split's rule gives for this file.
  @Test(arguments: [
    (["--max-size", "1M"], 4), (["--max-size", "500K"], 7), (["--max-tensors", "10"], 4),
    (["--max-tensors", "1"], 39), (["--files", "3"], 3), (["--split-max-size", "1000000"], 4),
    (["--max-tensors", "10", "--no-tensor-first-split"], 5), (["--no-tensor-first-split"], 2),
  ])
  func whatIsSplitAndJoinedIsTheSameFile(options: [String], count: Int) throws {
    let result = try CommandLineTool.run(["split", whole, folder("part.gguf")] + options)
    #expect(result.code == 0, "\(result.error)")
    #expect(result.output.contains("\(count) files"))
    let parts = try parts("part")
    #expect(parts.count == count)
    #expect(parts.first == "part-00001-of-\(count < 10 ? "0000" : "000")\(count).gguf")
    try expectJoined(parts[0], whole)
    try expectJoined(parts[parts.count - 1], whole)
  }

  /// Tensors of each file by llama-gguf-split's rule, which was applied to gguf-py's list of them.
  @Test(arguments: [("1M", [13, 17, 8, 1]), ("500K", [3, 9, 9, 6, 8, 3, 1])])
  func filesEndWhereLlamaGGUFSplitEndsThem(limit: String, counts: [Int]) throws {
    try run("split", whole, folder("x"), "--max-size", limit)
    #expect(try parts("x").map { try GGUFFile(path: folder($0)).tensors.count } == counts)
  }

  @Test func theFirstFileHasTheMetadataAndMayHaveNothingElse() throws {
    try run("split", whole, folder("x"), "--max-tensors", "20", "--no-tensor-first-split")
    let original = try GGUFFile(path: whole)
    let files = try parts("x").map { try GGUFFile(path: folder($0)) }
    #expect(files.map(\.tensors.count) == [0, 20, 19])
    for (number, file) in files.enumerated() {
      #expect(file.metadata["split.no"] == .uint16(UInt16(number)))
      #expect(file.metadata["split.count"] == .uint16(3))
      #expect(file.metadata["split.tensors.count"] == .int32(39))
      let others = file.metadata.entries.filter { !$0.key.hasPrefix("split.") }
      #expect(others == (number == 0 ? original.metadata.entries : []))
    }
    #expect(files.flatMap { $0.tensors } == original.tensors)
    let verdict = try CommandLineTool.run(
      "compare", folder("x-00001-of-00003.gguf"), whole, "--quiet")
    #expect(verdict.code == 0 && verdict.output.contains("39: 39 same bytes"))
  }

  @Test func aSplitFileIsSplitAnew() throws {
    try run("split", whole, folder("a"), "--files", "5")
    try run("split", folder("a-00004-of-00005.gguf"), folder("b"), "--max-tensors", "13")
    #expect(try parts("b").count == 3)
    try expectJoined("b-00002-of-00003.gguf", whole)
  }

  @Test func whatFitsOneFileStaysOne() throws {
    try run("split", whole, folder("one.gguf"), "--max-size", "4G")
    #expect(try Fixtures.bytes(folder("one.gguf")) == Fixtures.bytes(whole))
    #expect(try parts("one").isEmpty)
  }

  /// Another program's file: another alignment, tensors of no model, keys of its own.
  @Test func filesOfOthersKeepMetadataAndTensors() throws {
    var file = try RewrittenGGUF(whole)
    file.metadata["general.alignment"] = .uint32(128)
    file.metadata["general.quantization_version"] = nil
    file.metadata["weightmill.version"] = nil
    file.metadata["general.architecture"] = .string("unheard-of")
    file.metadata["unheard-of.list"] = .array(.int8, [.int8(-1), .int8(1)])
    file.tensors.reverse()
    let path = try file.write(to: folder, "other.gguf")
    try run("split", path, folder("x"), "--files", "4")
    try expectJoined("x-00001-of-00004.gguf", path)
    let joined = try RewrittenGGUF(folder("joined.gguf"))
    #expect(joined.metadata == file.metadata)
    #expect(try GGUFFile(path: folder("joined.gguf")).alignment == 128)
  }

  @Test func metadataOfFurtherFilesIsNotDroppedInSilence() throws {
    var files = SplitFiles()
    files.change = { number, metadata in
      if number == 1 { metadata["general.author"] = .string("somebody") }
    }
    let parts = try files.write(whole, to: folder, "x")
    let result = try CommandLineTool.run("join", parts[0], folder("y.gguf"))
    #expect(result.code == 0)
    #expect(result.error.contains("has metadata of its own, which is left out: \"general.author\""))
  }

  @Test func aDryRunWritesNothing() throws {
    let plan = try CommandLineTool.run("split", whole, folder("x"), "--files", "3", "--dry-run")
    #expect(plan.code == 0 && plan.output.contains("x-00003-of-00003.gguf"))
    #expect(try folder.names() == ["whole.gguf"])
    let result = try CommandLineTool.run("split", whole, folder("x"), "--files", "3", "--json")
    let files = try #require(result.json?["files"] as? [[String: Any]])
    #expect(files.count == 3)
    for file in files {
      let name = try #require(file["name"] as? String)
      #expect(try Fixtures.bytes(folder(name)).count == file["bytes"] as? Int)
    }
  }

  @Test func nothingIsOverwritten() throws {
    try run("split", whole, folder("x"), "--files", "2")
    let again = try CommandLineTool.run("split", whole, folder("x"), "--files", "2")
    #expect(again.code == 73 && again.error.contains("exists already"))
    try run("split", whole, folder("x"), "--files", "2", "--force")
    let own = try CommandLineTool.run(
      "join", folder("x-00001-of-00002.gguf"), folder("x-00002-of-00002.gguf"), "--force")
    #expect(own.code == 73 && own.error.contains("is an input"))
    let resplit = try CommandLineTool.run(
      "split", folder("x-00001-of-00002.gguf"), folder("x"), "--files", "2", "--force")
    #expect(resplit.code == 73 && resplit.error.contains("is an input"))
  }

  @Test func whatCannotBeSplitOrJoinedIsRefused() throws {
    let single = try CommandLineTool.run("join", whole, folder("x.gguf"))
    #expect(single.code == 69 && single.error.contains("is not one of several files"))
    for command in ["split", "join"] {
      let model = try CommandLineTool.run(command, "fixtures/mini-ziya/base-hf", folder("x.gguf"))
      #expect(model.code == 69 && model.error.contains("is not a GGUF file"), "\(model.error)")
    }
    try run("split", whole, folder("y"), "--files", "3")
    try FileManager.default.removeItem(atPath: folder("y-00002-of-00003.gguf"))
    let missing = try CommandLineTool.run("join", folder("y-00001-of-00003.gguf"), folder("z.gguf"))
    #expect(missing.code == 66 && missing.error.contains("y-00002-of-00003.gguf"))
  }

  @Test(arguments: [
    ["split", "a", "b", "--max-size", "4P"], ["split", "a", "b", "--max-size", "0"],
    ["split", "a", "b", "--max-size", "4G", "--max-tensors", "3"],
    ["split", "a", "b", "--max-tensors", "0"], ["split", "a", "b", "--files", "0"],
    ["split", "a"], ["join", "a"],
  ])
  func wrongUsage(arguments: [String]) throws {
    let result = try CommandLineTool.run(arguments)
    #expect(result.code == 64, "\(result.error)")
  }
}
