import Foundation
import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// Split GGUF files are one model, whichever part is named.
struct SplitFileTests {
  private let folder: TemporaryFolder
  private let whole: String

  init() throws {
    folder = try TemporaryFolder()
    let model = try ModelLoader.load(SmallModel(layers: 3).write(to: folder, "model"))
    whole = folder("whole.gguf")
    _ = try ConversionRun(
      ConversionPlan(convert: model, to: .f16, name: "x"), workers: Workers(threads: 2)
    ).write(to: whole, overwrite: false)
  }

  private func digests(_ path: String) throws -> [TensorDigest] {
    try TensorDigest.all(of: Checkpoint(path: path).catalogue, workers: Workers(threads: 2))
  }

  private func quantize(
    _ path: String, as name: String, _ change: (inout QuantizationOptions) -> Void = { _ in }
  ) throws -> OutputLayout {
    var options = QuantizationOptions(.q8_0)
    change(&options)
    let plan = try ConversionPlan(quantize: ModelLoader.load(path), with: options)
    _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(
      to: folder(name), overwrite: false)
    return try plan.layout(path: folder(name))
  }

  @Test func everyPartOpensTheWholeModel() throws {
    let parts = try SplitFiles().write(whole, to: folder, "x")
    for part in parts {
      let checkpoint = try Checkpoint(path: part)
      #expect(checkpoint.weightFiles == parts)
      #expect(checkpoint.metadata?["llama.block_count"] == .uint32(3))
      #expect(try digests(part) == digests(whole))
    }
    _ = try quantize(whole, as: "a.gguf")
    _ = try quantize(parts[1], as: "b.gguf")
    #expect(try Fixtures.bytes(folder("a.gguf")) == Fixtures.bytes(folder("b.gguf")))
  }

  @Test(arguments: ["y.gguf", "y-00001-of-00003.gguf"])
  func partsPutTogetherWithCatAreNamed(name: String) throws {
    let parts = try SplitFiles().write(whole, to: folder, "x")
    let path = try folder.write(parts.flatMap { try Fixtures.bytes($0) }, to: name)
    let error = expectError(.malformed) { _ = try Checkpoint(path: path) }
    #expect(error?.problem.contains("put together with cat") == true)
    #expect(error?.remedy?.contains("weightmill join") == true)
  }

  /// Files of 2023 and 2024 hold rotary frequencies in each layer, with which llama.cpp refuses them.
  @Test(arguments: ["attn_rot_embd.weight", "attn_rot_embd"])
  func rotaryFrequenciesAreLeftOut(name: String) throws {
    var file = try RewrittenGGUF(whole)
    let shape = try #require(TensorShape([16]))
    for layer in 0..<3 {
      file.tensors.insert(
        .init(
          descriptor: TensorDescriptor(name: "blk.\(layer).\(name)", type: .f32, shape: shape),
          bytes: [UInt8](repeating: 0, count: 64)), at: 4 * layer)
    }
    let path = try file.write(to: folder, "old.gguf")
    let loaded = try ModelLoader.load(path)
    #expect(loaded.notes.count == 1)
    #expect(loaded.notes[0].contains("\"blk.{0…2}.\(name)\" (3 tensors): left out"))
    _ = try quantize(path, as: "a.gguf")
    _ = try quantize(whole, as: "b.gguf")
    #expect(try digests(folder("a.gguf")) == digests(folder("b.gguf")))
    let parts = try SplitFiles().write(path, to: folder, "old")
    _ = try quantize(parts[0], as: "y.gguf") { $0.keepsSplit = true }
    #expect(try digests(folder(SplitFiles.name("y", 0, of: 3))) == digests(folder("b.gguf")))
  }

  @Test(arguments: ["y.gguf", "y-00002-of-00003.gguf", "y"])
  func keepSplitWritesAPartForEachPart(output: String) throws {
    let parts = try SplitFiles().write(whole, to: folder, "x")
    let layout = try quantize(parts[0], as: output) { $0.keepsSplit = true }
    let names = (0..<3).map { SplitFiles.name("y", $0, of: 3) }
    #expect(layout.files.map(\.name) == names)
    for (number, name) in names.enumerated() {
      let bytes = try Fixtures.bytes(folder(name))
      #expect(bytes.count == layout.files[number].byteCount)
      let file = try GGUFFile(path: folder(name))
      #expect(file.metadata["split.no"] == .uint16(UInt16(number)))
      #expect(file.metadata["split.count"] == .uint16(3))
      #expect(file.metadata["split.tensors.count"] == .int32(30))
      #expect((file.metadata.entries.count > 10) == (number == 0))
      #expect(try file.tensors.map(\.name) == GGUFFile(path: parts[number]).tensors.map(\.name))
    }
    _ = try quantize(whole, as: "one.gguf")
    #expect(try digests(folder(names[2])) == digests(folder("one.gguf")))
    #expect(try folder.names().allSatisfy { !$0.contains("partial") })
  }

  @Test func prunedLayersLeaveTheirParts() throws {
    let parts = try SplitFiles().write(whole, to: folder, "x")
    _ = try quantize(parts[0], as: "y.gguf") {
      $0.keepsSplit = true
      $0.prunedLayers = [1]
    }
    let layout = try quantize(whole, as: "one.gguf") { $0.prunedLayers = [1] }
    let pruned = try digests(folder(SplitFiles.name("y", 0, of: 3)))
    #expect(try pruned == digests(folder("one.gguf")))
    #expect(pruned.count == 21)
    #expect(layout.files.count == 1)
  }

  @Test func aPartThatExistsIsNotReplaced() throws {
    let parts = try SplitFiles().write(whole, to: folder, "x")
    try folder.write([1], to: SplitFiles.name("y", 1, of: 3))
    expectError(.cannotWrite) { _ = try quantize(parts[0], as: "y.gguf") { $0.keepsSplit = true } }
    let error = expectError(.cannotWrite) {
      _ = try quantize(parts[0], as: "x.gguf") { $0.keepsSplit = true }
    }
    #expect(error?.problem.contains("is an input") == true)
    expectError(.usage) { _ = try quantize(parts[0], as: "y/") { $0.keepsSplit = true } }
    #expect(try folder.names().filter { $0.hasPrefix("y") || $0.hasPrefix(".") }.count == 1)
  }

  @Test("GG-12: a part that is missing is named")
  func missingPartsAreNamed() throws {
    let parts = try SplitFiles().write(whole, to: folder, "x")
    try FileManager.default.removeItem(atPath: parts[1])
    let error = expectError(.noInput) { _ = try Checkpoint(path: parts[2]) }
    #expect(error?.file == parts[1])
    try folder.write(
      "version https://git-lfs.github.com/spec/v1\n".utf8, to: "x-00002-of-00003.gguf")
    let pointer = expectError(.malformed) { _ = try Checkpoint(path: parts[0]) }
    #expect(pointer?.problem.contains("git-lfs") == true)
  }

  @Test("GG-12: a part whose name does not tell where the others are is refused")
  func partsKeepTheirNames() throws {
    let parts = try SplitFiles().write(whole, to: folder, "x")
    try FileManager.default.copyItem(atPath: parts[1], toPath: folder("y.gguf"))
    let error = expectError(.noInput) { _ = try Checkpoint(path: folder("y.gguf")) }
    #expect(error?.remedy?.contains("NAME-00002-of-00003.gguf") == true)
    try FileManager.default.copyItem(atPath: parts[1], toPath: folder("y-00002-of-00004.gguf"))
    expectError(.malformed) { _ = try Checkpoint(path: folder("y-00002-of-00004.gguf")) }
    try FileManager.default.removeItem(atPath: parts[0])
    try FileManager.default.copyItem(atPath: parts[1], toPath: parts[0])
    expectError(.malformed) { _ = try Checkpoint(path: parts[0]) }
  }

  /// One damaged entry of one part.
  struct Damage: Sendable {
    let key: String
    let value: GGUFValue?
    var code = WeightmillError.Code.malformed
    var isFirst = false
  }

  @Test(
    "GG-13, GG-14: parts that contradict each other are refused",
    arguments: [
      Damage(key: "split.no", value: .uint16(0)), Damage(key: "split.no", value: nil),
      Damage(key: "split.no", value: .string("1")), Damage(key: "split.count", value: .uint16(2)),
      Damage(key: "split.count", value: nil),
      Damage(key: "split.count", value: .string("three"), isFirst: true),
      Damage(key: "split.count", value: .int64(-3), isFirst: true),
      Damage(key: "split.count", value: .uint64(.max), isFirst: true),
      Damage(key: "split.count", value: .uint32(60000), code: .unsupported, isFirst: true),
      Damage(key: "split.tensors.count", value: .int32(29)),
      Damage(key: "split.tensors.count", value: nil),
      Damage(key: "split.tensors.count", value: .bool(true), isFirst: true),
    ])
  func contradictionsAreRefused(damage: Damage) throws {
    var files = SplitFiles()
    files.change = { number, metadata in
      if number == (damage.isFirst ? 0 : 1) { metadata[damage.key] = damage.value }
    }
    let parts = try files.write(whole, to: folder, "x")
    expectError(damage.code) { _ = try Checkpoint(path: parts[0]) }
  }

  @Test func aTensorInTwoPartsIsRefused() throws {
    var files = SplitFiles()
    files.count = 2
    let parts = try files.write(whole, to: folder, "x")
    var second = SplitFiles()
    second.count = 2
    second.change = { $1["split.no"] = .uint16(UInt16(1 - $0)) }
    let others = try second.write(whole, to: folder, "y")
    try FileManager.default.removeItem(atPath: parts[1])
    try FileManager.default.copyItem(atPath: others[0], toPath: parts[1])
    let error = expectError(.malformed) { _ = try Checkpoint(path: parts[0]) }
    #expect(error?.problem.contains("two tensors are named") == true)
  }

  /// `split.count` 1 or 0 is a file by itself.
  @Test(arguments: [UInt16(0), 1])
  func onePartIsAFile(count: UInt16) throws {
    var files = SplitFiles()
    files.count = 1
    files.change = { $1["split.count"] = .uint16(count) }
    let part = try files.write(whole, to: folder, "x")[0]
    try FileManager.default.moveItem(atPath: part, toPath: folder("y.gguf"))
    #expect(try digests(folder("y.gguf")) == digests(whole))
    _ = try quantize(folder("y.gguf"), as: "z.gguf")
    #expect(try GGUFFile(path: folder("z.gguf")).metadata["split.count"] == nil)
  }
}
