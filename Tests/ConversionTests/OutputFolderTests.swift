import Foundation
import Testing
import WeightmillConversion
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// A folder appears whole or not at all, and nothing that is not ours is ever lost.
struct OutputFolderTests {
  private let folder: TemporaryFolder
  private let base: String
  private let delta: String
  private let plan: ConversionPlan

  init() throws {
    folder = try TemporaryFolder()
    base = try folder.copy(Fixtures.miniZiya("base-hf"), as: "base")
    delta = try folder.copy(Fixtures.miniZiya("delta"), as: "delta")
    plan = try ConversionPlan(
      huggingFace: ModelLoader.load(base, delta: delta), maximumShardSize: 4_000_000)
  }

  private func write(
    to path: String, overwrite: Bool = false,
    _ progress: @escaping @Sendable (ConversionProgress) -> Void = { _ in }
  ) throws {
    _ = try ConversionRun(plan, workers: Workers(threads: 1), progress: progress).write(
      to: path, overwrite: overwrite)
  }

  private func names(_ name: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder(name)).sorted()
  }

  @Test("OUT-03: a new folder appears when it is complete") func aNewFolderAppearsWhenItIsComplete()
    throws
  {
    let folder = folder
    try write(to: folder("x/")) { progress in
      #expect((try? folder.names())?.contains("x") == false)
    }
    #expect(try folder.names() == ["base", "delta", "x"])
    #expect(try names("x").count == 11)
  }

  @Test func anEmptyFolderIsFilled() throws {
    try FileManager.default.createDirectory(
      atPath: folder("x"), withIntermediateDirectories: false)
    try write(to: folder("x"))
    #expect(try folder.names() == ["base", "delta", "x"])
    #expect(try names("x").count == 11)
    #expect(try names("x").allSatisfy { !$0.hasPrefix(".") })
  }

  @Test func anExistingFolderIsKeptUnlessForced() throws {
    try folder.write(Array("precious".utf8), to: "x/README.md")
    try folder.write(Array("old".utf8), to: "x/config.json")
    try folder.write(Array("hidden".utf8), to: "x/.git/config")
    expectError(.cannotWrite) { try write(to: folder("x")) }
    #expect(try Fixtures.bytes(folder("x/config.json")) == Array("old".utf8))
    try write(to: folder("x"), overwrite: true)
    #expect(try Fixtures.bytes(folder("x/README.md")) == Array("precious".utf8))
    #expect(try Fixtures.bytes(folder("x/.git/config")) == Array("hidden".utf8))
    #expect(try Fixtures.bytes(folder("x/config.json")).count > 100)
    #expect(try names("x").count == 13)
    // Once more, over what was written.
    try write(to: folder("x"), overwrite: true)
    #expect(try names("x").count == 13)
  }

  @Test(arguments: [
    "model-00001-of-00028.safetensors", "model.safetensors", "pytorch_model.bin",
    "pytorch_model-00001-of-00002.bin", "pytorch_model.bin.index.json", "consolidated.00.pth",
    "adapter_config.json", "tokenizer.json",
  ])
  func filesOfAModelAreNotMixedWithAnothers(name: String) throws {
    try folder.write([1], to: "x/\(name)")
    let error = expectError(.cannotWrite) { try write(to: folder("x"), overwrite: true) }
    #expect(error?.problem.contains(name) == true)
    #expect(try names("x") == [name])
  }

  @Test func aFolderInThePlaceOfAFileIsKept() throws {
    try folder.write([1], to: "x/config.json/precious")
    expectError(.cannotWrite) { try write(to: folder("x"), overwrite: true) }
    #expect(try names("x/config.json") == ["precious"])
  }

  @Test(arguments: [
    "base", "delta", "base/new", "delta/new", "delta/sub/new", "base/../delta/new", "link",
    "link/new", "link/../base/new", "delta/.",
  ])
  func noFolderOfAnInputIsWrittenTo(path: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: folder("link"), withDestinationPath: delta)
    try FileManager.default.createDirectory(
      atPath: folder("delta/sub"), withIntermediateDirectories: false)
    let before = try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
    for overwrite in [false, true] {
      let error = expectError(.cannotWrite) { try write(to: folder(path), overwrite: overwrite) }
      #expect(error?.problem.contains("input") == true, "\(path)")
    }
    #expect(try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted() == before)
  }

  @Test func aLinkFromWithinAnInputIsRefusedToo() throws {
    try FileManager.default.createDirectory(
      atPath: folder("elsewhere"), withIntermediateDirectories: false)
    try FileManager.default.createSymbolicLink(
      atPath: folder("base/out"), withDestinationPath: folder("elsewhere"))
    expectError(.cannotWrite) { try write(to: folder("base/out")) }
    #expect(try names("elsewhere").isEmpty)
  }

  @Test func anInputFileIsNotReplacedThroughALink() throws {
    try FileManager.default.createDirectory(
      atPath: folder("x"), withIntermediateDirectories: false)
    try FileManager.default.createSymbolicLink(
      atPath: folder("x/config.json"), withDestinationPath: "\(delta)/config.json")
    expectError(.cannotWrite) { try write(to: folder("x"), overwrite: true) }
    #expect(try names("x") == ["config.json"])
  }

  @Test func aFolderBesideAnInputIsFine() throws {
    try write(to: folder("delta-merged"))
    #expect(try names("delta-merged").count == 11)
  }

  @Test(arguments: ["no/x", "delta/config.json", "dangling"])
  func impossibleFoldersAreRefused(path: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: folder("dangling"), withDestinationPath: folder("nothing"))
    expectError(.cannotWrite) { try write(to: folder(path), overwrite: true) }
    #expect(try folder.names() == ["base", "dangling", "delta"])
  }

  @Test func aFolderThatAppearsMeanwhileIsKept() throws {
    let folder = folder
    expectError(.cannotWrite) {
      try write(to: folder("x")) { _ in
        _ = try? folder.write(Array("precious".utf8), to: "x/config.json")
      }
    }
    #expect(try Fixtures.bytes(folder("x/config.json")) == Array("precious".utf8))
    #expect(try folder.names() == ["base", "delta", "x"])
    #expect(try names("x") == ["config.json"])
  }

  @Test func aFileThatAppearsMeanwhileInAnEmptyFolderIsKept() throws {
    let folder = folder
    try FileManager.default.createDirectory(
      atPath: folder("x"), withIntermediateDirectories: false)
    expectError(.cannotWrite) {
      try write(to: folder("x")) { _ in
        _ = try? folder.write(Array("precious".utf8), to: "x/tokenizer.model")
      }
    }
    #expect(try Fixtures.bytes(folder("x/tokenizer.model")) == Array("precious".utf8))
    #expect(try names("x") == ["tokenizer.model"])
  }

  @Test(arguments: [false, true])
  func cancellingLeavesNothing(exists: Bool) throws {
    if exists { try folder.write([1], to: "x/precious") }
    let cancellation = Cancellation()
    let run = ConversionRun(plan, workers: Workers(threads: 2), cancellation: cancellation) {
      if $0.done > 5_000_000 { cancellation.cancel() }
    }
    expectError(.interrupted) { _ = try run.write(to: folder("x"), overwrite: true) }
    #expect(try folder.names() == (exists ? ["base", "delta", "x"] : ["base", "delta"]))
    if exists { #expect(try names("x") == ["precious"]) }
  }

  @Test func aDryRunRefusesWhatTheRunWould() throws {
    let run = ConversionRun(plan, workers: Workers(threads: 1))
    expectError(.cannotWrite) { try run.checkOutput(delta, overwrite: true) }
    expectError(.cannotWrite) { try run.checkOutput(folder("no/x"), overwrite: true) }
    try run.checkOutput(folder("x"), overwrite: false)
    #expect(try folder.names() == ["base", "delta"])
  }
}
