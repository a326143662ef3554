import Foundation
import Synchronization
import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// Runs that are interrupted, and continued.
struct ResumeTests {
  private let folder: TemporaryFolder
  private let model: LoadedModel

  /// What is written.
  enum Kind: String, CaseIterable {
    case file, split, folder
  }

  init() throws {
    folder = try TemporaryFolder()
    model = try ModelLoader.load(
      Fixtures.miniZiya("base-meta"), delta: Fixtures.miniZiya("delta"))
  }

  private func plan(_ kind: Kind, _ mix: TypeMix = .q4_K_M) throws -> ConversionPlan {
    switch kind {
    case .file: return try ConversionPlan(convert: model, to: mix, name: "x")
    case .split:
      let whole = folder("whole.gguf")
      if !FileManager.default.fileExists(atPath: whole) {
        let plan = try ConversionPlan(convert: model, to: .f16, name: "x")
        _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(to: whole, overwrite: false)
        _ = try SplitFiles().write(whole, to: folder, "parts")
      }
      var options = QuantizationOptions(mix)
      options.keepsSplit = true
      return try ConversionPlan(
        quantize: ModelLoader.load(folder("parts-00001-of-00003.gguf")), with: options)
    case .folder: return try ConversionPlan(huggingFace: model, maximumShardSize: 2_000_000)
    }
  }

  private var resuming: RunOptions {
    var options = RunOptions()
    options.resumes = true
    return options
  }

  /// Stops a run when so much of the output is written.
  private func interrupt(_ plan: ConversionPlan, _ name: String, at share: Double) throws {
    let cancellation = Cancellation()
    let run = ConversionRun(
      plan, workers: Workers(threads: 2), cancellation: cancellation,
      progress: { if Double($0.done) >= share * Double($0.total) { cancellation.cancel() } })
    expectError(.interrupted) { _ = try run.write(to: folder(name), resuming) }
  }

  private func resume(_ plan: ConversionPlan, _ name: String) throws -> ConversionReport {
    try ConversionRun(plan, workers: Workers(threads: 1)).write(to: folder(name), resuming)
  }

  /// All files of the folder whose names begin so, with their bytes.
  private func files(_ stem: String) throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for name in try folder.names() where name.hasPrefix(stem) {
      let path = folder(name)
      var isFolder: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      let names =
        isFolder.boolValue ? try FileManager.default.contentsOfDirectory(atPath: path) : [""]
      for inner in names {
        let shown = name.dropFirst(stem.count) + "/" + inner
        files[String(shown)] = try Fixtures.bytes(inner.isEmpty ? path : "\(path)/\(inner)")
      }
    }
    return files
  }

  private func hidden() throws -> [String] { try folder.names().filter { $0.hasPrefix(".") } }

  @Test(arguments: Kind.allCases, [0.1, 0.5, 0.9])
  func aContinuedRunWritesTheBytesOfOneThatWasNot(kind: Kind, share: Double) throws {
    let plan = try plan(kind)
    _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(
      to: folder("once"), overwrite: false)
    try interrupt(plan, "twice", at: share)
    #expect(try files("twice").isEmpty)
    #expect(try hidden().count >= 2)
    let report = try resume(plan, "twice")
    #expect(report.resumed > 0 || share < 0.5)
    #expect(report.redone.isEmpty)
    #expect(try files("twice") == files("once"))
    #expect(try hidden().isEmpty)
  }

  @Test func aRunWithoutTheOptionLeavesNothing() throws {
    let cancellation = Cancellation()
    let run = ConversionRun(
      try plan(.file), workers: Workers(threads: 2), cancellation: cancellation,
      progress: { if $0.done > 1 << 20 { cancellation.cancel() } })
    expectError(.interrupted) { _ = try run.write(to: folder("x"), overwrite: false) }
    #expect(try folder.names().isEmpty)
  }

  @Test func withNothingToContinueAllIsWritten() throws {
    let report = try resume(plan(.file), "x")
    #expect(report.resumed == 0)
    #expect(try folder.names() == ["x"])
  }

  @Test func otherTypesAreRefusedWithTheDifference() throws {
    try interrupt(plan(.file), "x", at: 0.5)
    let error = expectError(.mismatch) { _ = try resume(plan(.file, .q6_K), "x") }
    #expect(error?.position?.contains("Q4_K then, Q6_K now") == true)
    #expect(error?.remedy?.contains(".journal") == true)
    // The other run can still be continued.
    #expect(try resume(plan(.file), "x").resumed > 0)
  }

  @Test func changedInputsAreRefusedWithTheDifference() throws {
    try folder.copy(Fixtures.miniZiya("base-hf"), as: "base")
    let plan = try ConversionPlan(convert: ModelLoader.load(folder("base")), to: .q8_0, name: "x")
    try interrupt(plan, "x", at: 0.5)
    let weights = folder("base/model-00002-of-00002.safetensors")
    let file = try #require(FileHandle(forUpdatingAtPath: weights))
    try file.seekToEnd()
    let size = try file.offset()
    try file.seek(toOffset: size - 2)
    try file.write(contentsOf: [1, 2])
    try file.close()
    let changed = try ConversionPlan(
      convert: ModelLoader.load(folder("base")), to: .q8_0, name: "x")
    let error = expectError(.mismatch) { _ = try resume(changed, "x") }
    #expect(error?.position?.contains("model-00002-of-00002.safetensors") == true)
  }

  @Test func anInputThatChangedBehindItsTimeIsRefused() throws {
    try folder.copy(Fixtures.miniZiya("base-hf"), as: "base")
    let weights = folder("base/model-00002-of-00002.safetensors")
    let date = try FileManager.default.attributesOfItem(atPath: weights)[.modificationDate]
    let plan = try ConversionPlan(convert: ModelLoader.load(folder("base")), to: .q8_0, name: "x")
    try interrupt(plan, "x", at: 0.5)
    let file = try #require(FileHandle(forUpdatingAtPath: weights))
    let size = try file.seekToEnd()
    try file.seek(toOffset: size - 2)
    try file.write(contentsOf: [1, 2])
    try file.close()
    try FileManager.default.setAttributes(
      [.modificationDate: try #require(date)], ofItemAtPath: weights)
    expectError(.mismatch) { _ = try resume(plan, "x") }
  }

  @Test func whatWasDamagedMeanwhileIsMadeAnewAndSaid() throws {
    let plan = try plan(.file)
    _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(
      to: folder("once"), overwrite: false)
    try interrupt(plan, "x", at: 0.9)
    let partial = try #require(try hidden().first { $0.hasSuffix(".partial") })
    let layout = try plan.layout(path: folder("x"))
    let first = try #require(layout.files[0].tensors.first)
    let file = try #require(FileHandle(forUpdatingAtPath: folder(partial)))
    try file.seek(toOffset: UInt64(first.position + 5))
    try file.write(contentsOf: [0x55, 0xAA])
    try file.close()
    let report = try resume(plan, "x")
    #expect(report.redone == [plan.items[first.item].tensor.name])
    #expect(try files("x") == files("once"))
  }

  @Test(arguments: ["", "{", "\u{0}\u{0}", "{\"tensor\":\"output.weight\"}\n{\"ten"])
  func aLineThatWasCutOffCountsForNothing(rest: String) throws {
    let plan = try plan(.file)
    _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(
      to: folder("once"), overwrite: false)
    try interrupt(plan, "x", at: 0.6)
    let journal = try #require(try hidden().first { $0.hasSuffix(".journal") })
    let bytes = try Fixtures.bytes(folder(journal))
    try folder.write(bytes + Array(rest.utf8), to: journal)
    _ = try resume(plan, "x")
    #expect(try files("x") == files("once"))
    #expect(try hidden().isEmpty)
  }

  @Test(arguments: [0, 1, 1000])
  func aTemporaryFileOfAnyLengthIsContinued(length: Int) throws {
    let plan = try plan(.file)
    _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(
      to: folder("once"), overwrite: false)
    try interrupt(plan, "x", at: 0.6)
    let partial = try #require(try hidden().first { $0.hasSuffix(".partial") })
    let file = try #require(FileHandle(forUpdatingAtPath: folder(partial)))
    try file.truncate(atOffset: UInt64(length))
    try file.close()
    #expect(try resume(plan, "x").resumed == 0)
    #expect(try files("x") == files("once"))
  }

  @Test func aRunThatIsAtWorkIsNotContinued() throws {
    let plan = try plan(.file)
    let found = Mutex<[WeightmillError?]>([])
    let run = ConversionRun(
      plan, workers: Workers(threads: 1),
      progress: { _ in
        guard found.withLock({ $0.isEmpty }) else { return }
        found.withLock { $0.append(nil) }
        let error = expectError(.cannotWrite) { _ = try resume(plan, "x") }
        found.withLock { $0 = [error] }
      })
    _ = try run.write(to: folder("x"), resuming)
    #expect(found.withLock { $0.first??.problem.contains("another run") } == true)
    #expect(ConversionRun.leftovers(of: folder("x")).isEmpty)
  }

  @Test func countsOfLostValuesAreTakenOver() throws {
    var small = SmallModel(layers: 3)
    small.change = { name, values in
      if name == "model.layers.0.mlp.up_proj.weight" { values[3] = 60_000 }
    }
    let model = try ModelLoader.load(small.write(to: folder, "model"))
    let plan = try ConversionPlan(convert: model, to: .q4_0, name: "x")
    let whole = try ConversionRun(plan, workers: Workers(threads: 1)).write(
      to: folder("once"), overwrite: false)
    try interrupt(plan, "x", at: 0.9)
    let report = try resume(plan, "x")
    #expect(report.resumed > 0)
    #expect(report.faults.map(\.lost) == whole.faults.map(\.lost))
    #expect(report.faults.map(\.tensor) == whole.faults.map(\.tensor))
  }

  @Test func memoryChangesNoByte() throws {
    let plan = try plan(.file)
    let run = ConversionRun(plan, workers: Workers(threads: 4))
    for (name, memory) in [("a", 1 << 18), ("b", 1 << 21), ("c", 1 << 30)] {
      var options = RunOptions()
      options.memory = memory
      _ = try run.write(to: folder(name), options)
    }
    #expect(try files("a") == files("b"))
    #expect(try files("a") == files("c"))
    var options = RunOptions()
    options.memory = 1000
    let error = expectError(.usage) { _ = try run.write(to: folder("d"), options) }
    #expect(error?.remedy?.contains("--memory") == true)
  }

  @Test func eachPartIsThatOfTheWholeRun() throws {
    let plan = try plan(.split)
    _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(
      to: folder("all.gguf"), overwrite: false)
    for part in [2, 3, 1] {
      var options = RunOptions()
      options.part = part
      let report = try ConversionRun(plan, workers: Workers(threads: 2)).write(
        to: folder("one.gguf"), options)
      let name = "-0000\(part)-of-00003.gguf"
      let bytes = try Fixtures.bytes(folder("one\(name)"))
      #expect(report.byteCount == bytes.count)
      #expect(bytes == (try Fixtures.bytes(folder("all\(name)"))))
    }
    for part in [0, 4] {
      var options = RunOptions()
      options.part = part
      expectError(.usage) {
        _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(
          to: folder("one.gguf"), options)
      }
    }
  }
}
