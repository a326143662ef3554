import Testing
import WeightmillCalibration
import WeightmillConversion
import WeightmillFeedback
import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization

/// Whole files written with error feedback.
struct FeedbackRunTests {
  private let folder: TemporaryFolder
  private let model: LoadedModel

  init() throws {
    folder = try TemporaryFolder()
    model = try ModelLoader.load(
      Fixtures.miniZiya("base-meta"), delta: Fixtures.miniZiya("delta"))
  }

  private func text(windows: Int, context: Int = 64) throws -> CalibrationText {
    var text = CalibrationText(context: context)
    let path = Fixtures.miniZiya("expected/eval-en.txt")
    try text.add(
      String(decoding: try Fixtures.bytes(path), as: UTF8.self), from: path,
      tokenizer: try model.requiredTokenizer())
    text.keep(first: windows)
    return text
  }

  private func plan(_ mix: TypeMix) throws -> ConversionPlan {
    var options = QuantizationOptions(mix)
    options.isCalibrated = true
    return try ConversionPlan(convert: model, with: options, name: "x")
  }

  private func run(
    _ mix: TypeMix, windows: Int = 12, memory: Int = 1 << 30, threads: Int = 2
  ) throws -> FeedbackRun {
    try FeedbackRun(
      plan(mix), of: model, text: text(windows: windows), memory: memory,
      workers: Workers(threads: threads))
  }

  private func bytes(_ name: String) throws -> [UInt8] { try Fixtures.bytes(folder(name)) }

  /// Types with parts, with minima, with uneven levels, of legacy blocks, and lattices, which are written in
  /// whole blocks.
  @Test(arguments: [TypeMix.q4_K_M, .q3_K_S, .q4_0, .q8_0, .iq4_XS, .iq2_XS])
  func neitherThreadsNorMemoryChangeAByte(mix: TypeMix) throws {
    _ = try run(mix).write(to: folder("a.gguf"), RunOptions())
    let small = try run(mix, memory: 1 << 20, threads: 1)
    #expect(small.cost.spilled > 0)
    _ = try small.write(to: folder("b.gguf"), RunOptions())
    #expect(try bytes("a.gguf") == bytes("b.gguf"))
  }

  @Test func aRunIsContinuedWithTheSameBytes() throws {
    let whole = try run(.q4_K_M)
    let report = try whole.write(to: folder("whole.gguf"), RunOptions())
    var options = RunOptions()
    options.resumes = true
    for share in [0.3, 0.7] {
      let cancellation = Cancellation()
      expectError(.interrupted) {
        _ = try run(.q4_K_M).write(
          to: folder("x.gguf"), options, cancellation: cancellation,
          progress: { if $0.share > share { cancellation.cancel() } })
      }
    }
    let rest = try run(.q4_K_M).write(to: folder("x.gguf"), options)
    #expect(rest.matrices.count < report.matrices.count)
    #expect(rest.matrices.count > 0)
    #expect(try bytes("x.gguf") == bytes("whole.gguf"))
  }

  /// Another text is another file: what one run left is not continued with it.
  @Test func anotherTextContinuesNothing() throws {
    var options = RunOptions()
    options.resumes = true
    let cancellation = Cancellation()
    expectError(.interrupted) {
      _ = try run(.q4_K_M).write(
        to: folder("x.gguf"), options, cancellation: cancellation,
        progress: { if $0.share > 0.5 { cancellation.cancel() } })
    }
    expectError(.mismatch) {
      _ = try run(.q4_K_M, windows: 11).write(to: folder("x.gguf"), options)
    }
  }

  /// The error of outputs, on windows that were not learnt from, is well below that without feedback.
  @Test func matricesLoseLess() throws {
    let report = try run(.q4_K_M, windows: 40).write(to: folder("x.gguf"), RunOptions())
    #expect(report.matrices.count == 29)
    #expect(try #require(report.error) < 0.9)
    #expect(report.plain.isEmpty)
    for matrix in report.matrices { #expect(matrix.choice.error < 1, "\(matrix.name)") }
  }

  /// What is learnt about importance on the way is what `imatrix` learns from the same windows.
  @Test func importanceIsThatOfTheCollector() throws {
    let run = try run(.q4_0)
    let importance = ImportanceOnTheWay(model.llama.architecture)
    _ = try run.write(to: folder("x.gguf"), RunOptions(), importance: importance)
    let text = try text(windows: 12)
    let found = importance.matrix(of: text)
    var learnt = CalibrationText(context: text.context)
    let windows = CalibrationWindows(text.windows, judgedByAtMost: 4096).learnt
    try learnt.add(ids: windows.windows, from: "x", for: model.llama)
    // In the file's order of rows, on which the order of sums in attention depends.
    let whole = try LlamaModel(
      catalogue: plan(.q4_0).source, configuration: model.llama.configuration, scheme: .gguf)
    let expected = try ImportanceCollector(whole, workers: Workers(threads: 2)).run(learnt)
    #expect(found.names == expected.names)
    #expect(found.entries == expected.entries)
  }

  @Test func aFileSaysWhatItLearntFrom() throws {
    _ = try run(.q4_0).write(to: folder("x.gguf"), RunOptions())
    let file = try Checkpoint(path: folder("x.gguf"))
    let said = try #require(file.metadata?["weightmill.guidance"]?.string)
    #expect(said.hasPrefix("error feedback 1, 768 tokens in windows of 64 of eval-en.txt, sha256 "))
  }

  @Test func tooLittleTextIsRefused() throws {
    expectError(.mismatch) { _ = try run(.q4_0, windows: 1) }
  }

  @Test func withoutBlocksThereIsNothingToDo() throws {
    expectError(.usage) { _ = try run(.f16) }
  }

  @Test func anAsynchronousRunWritesTheSame() async throws {
    let path = folder("b.gguf")
    let report = try await plan(.q4_K_M).write(
      to: path, learningFrom: text(windows: 12), of: model, workers: Workers(threads: 2))
    let error = try writeWithout(async: "a.gguf")
    #expect(report.error == error)
    #expect(report.conversion.byteCount == (try bytes("b.gguf").count))
    #expect(try bytes("a.gguf") == bytes("b.gguf"))
  }

  private func writeWithout(async name: String) throws -> Double? {
    try run(.q4_K_M).write(to: folder(name), RunOptions()).error
  }

  @Test func aRunStopsWithItsTaskAndLeavesNothing() async throws {
    let (plan, text) = (try plan(.q4_0), try text(windows: 12))
    let (path, model) = (folder("x.gguf"), model)
    await expectInterrupted {
      _ = try await plan.write(
        to: path, learningFrom: text, of: model, workers: Workers(threads: 2))
    }
    #expect(try folder.names().isEmpty)
  }

  @Test func whatIsThereIsNotReplacedUnasked() async throws {
    try folder.write("mine".utf8, to: "x.gguf")
    let (plan, text) = (try plan(.q4_0), try text(windows: 12))
    do {
      _ = try await plan.write(
        to: folder("x.gguf"), learningFrom: text, of: model, workers: Workers(threads: 2))
      Issue.record("it was replaced")
    } catch {
      #expect(error.code == .cannotWrite)
    }
    #expect(try bytes("x.gguf") == Array("mine".utf8))
  }
}
