import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// Where an output is cut into files.
struct ShardSplitTests {
  private let folder: TemporaryFolder
  private let plan: ConversionPlan

  init() throws {
    folder = try TemporaryFolder()
    let model = try ModelLoader.load(
      Fixtures.miniZiya("base-hf"), delta: Fixtures.miniZiya("delta"))
    plan = try ConversionPlan(convert: model, to: .q8_0, name: "x")
  }

  /// The sizes of the tensors of each file, and their indices in order.
  private func files(_ split: ShardSplit) throws -> [[(item: Int, size: Int)]] {
    var plan = plan
    try plan.split(split, path: folder("x.gguf"))
    return try plan.layout(path: folder("x.gguf")).files.map { file in
      file.tensors.map { ($0.item, plan.items[$0.item].tensor.byteCount) }
    }
  }

  @Test(arguments: [1, 100_000, 600_000, 2_000_000])
  func aFileIsFilledUpToTheLimit(limit: Int) throws {
    let files = try files(.maximumSize(limit))
    #expect(files.flatMap { $0.map(\.item) } == Array(plan.items.indices))
    for (file, next) in zip(files, files.dropFirst()) {
      let sum = file.reduce(0) { $0 + $1.size }
      #expect(sum <= limit || file.count == 1)
      #expect(sum + next[0].size > limit - 32 * file.count)
    }
    #expect(files.allSatisfy { !$0.isEmpty })
  }

  @Test(arguments: [1, 7, 13, 38])
  func aFileHoldsSoManyTensors(limit: Int) throws {
    let files = try files(.maximumTensors(limit))
    #expect(files.flatMap { $0.map(\.item) } == Array(plan.items.indices))
    #expect(files.dropLast().allSatisfy { $0.count == limit })
    #expect(files.last.map { (1...limit).contains($0.count) } == true)
  }

  @Test(arguments: [2, 3, 5, 8, 20, 39])
  func soManyFilesAreOfAboutTheSameSize(count: Int) throws {
    let files = try files(.count(count))
    #expect(files.count == count)
    #expect(files.flatMap { $0.map(\.item) } == Array(plan.items.indices))
    let largest = plan.items.map(\.tensor.byteCount).max() ?? 0
    let sizes = files.map { $0.reduce(0) { $0 + $1.size } }
    let mean = sizes.reduce(0, +) / count
    #expect(files.allSatisfy { !$0.isEmpty })
    #expect(sizes.allSatisfy { $0 <= mean + largest })
  }

  @Test func moreFilesThanTensorsOrThanAreReadAreRefused() throws {
    var plan = plan
    expectError(.usage) { try plan.split(.count(40), path: "x.gguf") }
    let deep = try ModelLoader.load(SmallModel(layers: 120).write(to: folder, "deep"))
    plan = try ConversionPlan(convert: deep, to: .f16, name: "x")
    let error = expectError(.usage) { try plan.split(.maximumTensors(1), path: "x.gguf") }
    #expect(error?.problem.contains("at most 1000") == true)
  }

  @Test func whatFitsOneFileStaysOne() throws {
    var plan = plan
    try plan.split(.maximumSize(1 << 30), path: "x.gguf")
    let files = try plan.layout(path: "x.gguf").files
    #expect(files.map(\.name) == [nil])
  }

  @Test func theFilesAreOneModelAndSayWhereItIsFrom() throws {
    var plan = plan
    try plan.split(.count(4), path: folder("x.gguf"))
    let run = ConversionRun(plan, workers: Workers(threads: 2))
    _ = try run.write(to: folder("x.gguf"), overwrite: false)
    _ = try ConversionRun(self.plan, workers: Workers(threads: 2)).write(
      to: folder("whole.gguf"), overwrite: false)
    let parts = try Checkpoint(path: folder("x-00003-of-00004.gguf"))
    let whole = try Checkpoint(path: folder("whole.gguf"))
    #expect(parts.weightFiles.count == 4)
    let workers = Workers(threads: 2)
    #expect(
      try TensorDigest.all(of: parts.catalogue, workers: workers)
        == TensorDigest.all(of: whole.catalogue, workers: workers))
    for entry in whole.metadata?.entries ?? [] {
      #expect(parts.metadata?[entry.key] == entry.value, "\(entry.key)")
    }
  }

  @Test func aFolderHasItsOwnLimit() throws {
    let model = try ModelLoader.load(Fixtures.miniZiya("base-hf"))
    var plan = try ConversionPlan(huggingFace: model)
    expectError(.usage) { try plan.split(.count(2), path: "x") }
  }
}

extension ShardSplitTests {
  @Test(arguments: [ShardSplit.maximumSize(700_000), .maximumTensors(5), .count(3)])
  func whatIsSplitAndJoinedIsTheSameFile(split: ShardSplit) throws {
    let (whole, parts, again) = (folder("whole.gguf"), folder("parts.gguf"), folder("again.gguf"))
    let workers = Workers(threads: 2)
    _ = try ConversionRun(plan, workers: workers).write(to: whole, overwrite: false)
    let cut = try ConversionPlan(split: Checkpoint(path: whole), by: split, path: parts)
    _ = try ConversionRun(cut, workers: workers).write(to: parts, overwrite: false)
    let names = try folder.names().filter { $0.hasPrefix("parts-") }
    #expect(names.count > 2)
    let joined = try ConversionPlan(join: Checkpoint(path: folder(names[1])))
    _ = try ConversionRun(joined, workers: workers).write(to: again, overwrite: false)
    #expect(try Fixtures.bytes(again) == Fixtures.bytes(whole))
    // The first file of a run that splits is the same as that of one that splits afterwards.
    var direct = plan
    try direct.split(split, path: folder("direct.gguf"))
    _ = try ConversionRun(direct, workers: workers).write(
      to: folder("direct.gguf"), overwrite: false)
    for name in names {
      let other = name.replacing("parts", with: "direct")
      #expect(try Fixtures.bytes(folder(name)) == Fixtures.bytes(folder(other)))
    }
  }

  @Test func aCheckpointIsNotCopied() throws {
    expectError(.unsupported) {
      _ = try ConversionPlan(join: Checkpoint(path: Fixtures.miniZiya("base-hf")))
    }
  }
}
