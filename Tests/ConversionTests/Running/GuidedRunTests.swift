import Synchronization
import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillModels
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport

/// Runs that write one tensor at a time, with guides that live only that long.
struct GuidedRunTests {
  private let folder: TemporaryFolder
  private let model: LoadedModel

  init() throws {
    folder = try TemporaryFolder()
    model = try ModelLoader.load(
      Fixtures.miniZiya("base-meta"), delta: Fixtures.miniZiya("delta"))
  }

  private func plan() throws -> ConversionPlan {
    try ConversionPlan(convert: model, to: .q4_0, name: "x")
  }

  /// Importance that says something: columns matter in turn more and less.
  private static func importance(_ item: ConversionPlan.Item) -> [Float] {
    (0..<item.tensor.shape.columns).map { 1 + Float($0 % 7) }
  }

  private func bytes(_ name: String) throws -> [UInt8] { try Fixtures.bytes(folder(name)) }

  @Test(arguments: [1, 2]) func theOrderOfTensorsChangesNoByte(threads: Int) throws {
    let plan = try plan()
    let run = ConversionRun(plan, workers: Workers(threads: threads))
    _ = try run.write(to: folder("whole.gguf"), RunOptions())
    let order = Array(plan.items.indices.reversed())
    var asked: [Int] = []
    _ = try run.write(
      to: folder("turns.gguf"), RunOptions(), oneByOne: order,
      guidedBy: { (item, _) throws(WeightmillError) in
        asked.append(item)
        return nil
      })
    #expect(asked == order)
    #expect(try bytes("turns.gguf") == bytes("whole.gguf"))
  }

  /// A guide does what the same importance does in a plan, to its own tensor and to no other.
  @Test func aGuideIsItsTensorsAlone() throws {
    let plan = try plan()
    let run = ConversionRun(plan, workers: Workers(threads: 2))
    let chosen = try #require(plan.items.lastIndex { $0.tensor.type == .q4_0 })
    _ = try run.write(to: folder("plain.gguf"), RunOptions())
    _ = try run.write(
      to: folder("guided.gguf"), RunOptions(), oneByOne: [chosen],
      guidedBy: { (item, _) throws(WeightmillError) in
        item == chosen ? .inputs(.importance(Self.importance(plan.items[item]))) : nil
      })
    let (plain, guided) = (
      try GGUFFile(path: folder("plain.gguf")), try GGUFFile(path: folder("guided.gguf"))
    )
    for (index, tensor) in plain.tensors.enumerated() {
      let rows = 0..<tensor.shape.rows
      let same =
        try plain.bytes(rows: rows, ofTensor: index) == guided.bytes(rows: rows, ofTensor: index)
      #expect(same == (tensor.name != plan.items[chosen].tensor.name), "\(tensor.name)")
    }
  }

  /// A run that goes on asks for guides of what is missing alone, and ends with the same bytes.
  @Test func aGuidedRunIsContinuedUnderItsJournal() throws {
    let plan = try plan().guided(by: "sevens")
    var options = RunOptions()
    options.resumes = true
    let order = Array(plan.items.indices.reversed())
    let guide = {
      @Sendable (item: Int, _: WrittenTensors) throws(WeightmillError) -> TensorGuide? in
      plan.items[item].tensor.type == .q4_0
        ? .inputs(.importance(Self.importance(plan.items[item]))) : nil
    }
    let workers = Workers(threads: 2)
    _ = try ConversionRun(plan, workers: workers).write(
      to: folder("whole.gguf"), RunOptions(), oneByOne: order, guidedBy: guide)
    let cancellation = Cancellation()
    let stopped = ConversionRun(
      plan, workers: workers, cancellation: cancellation,
      progress: { if $0.done > $0.total / 2 { cancellation.cancel() } })
    expectError(.interrupted) {
      _ = try stopped.write(to: folder("x.gguf"), options, oneByOne: order, guidedBy: guide)
    }
    let other = try self.plan().guided(by: "eights")
    expectError(.mismatch) {
      _ = try ConversionRun(other, workers: workers).write(
        to: folder("x.gguf"), options, oneByOne: order, guidedBy: guide)
    }
    var asked = 0
    let report = try ConversionRun(plan, workers: workers).write(
      to: folder("x.gguf"), options, oneByOne: order,
      guidedBy: { (item, written) throws(WeightmillError) in
        asked += 1
        return try guide(item, written)
      })
    #expect(report.resumed > 0)
    #expect(asked + report.resumed == plan.items.count)
    #expect(try bytes("x.gguf") == bytes("whole.gguf"))
  }

  @Test func aFileSaysWhatGuidedIt() throws {
    let plan = try plan().guided(by: "text 1f, damping 0.01")
    _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(
      to: folder("x.gguf"), RunOptions(), oneByOne: [], guidedBy: { _, _ in nil })
    let metadata = try GGUFFile(path: folder("x.gguf")).metadata
    #expect(metadata["weightmill.guidance"]?.string == "text 1f, damping 0.01")
    let unguided = try self.plan()
    _ = try ConversionRun(unguided, workers: Workers(threads: 2)).write(
      to: folder("y.gguf"), RunOptions())
    let other = try GGUFFile(path: folder("y.gguf")).metadata
    #expect(other["weightmill.guidance"] == nil)
    #expect(metadata["weightmill.plan.sha256"] != other["weightmill.plan.sha256"])
  }
}
