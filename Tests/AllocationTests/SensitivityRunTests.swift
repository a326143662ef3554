import Synchronization
import Testing
import WeightmillAllocation
import WeightmillCalibration
import WeightmillConversion
import WeightmillLLaMA
import WeightmillModels
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization

/// Sensitivities of the fixture's model.
struct SensitivityRunTests {
  private let folder: TemporaryFolder
  private let model: LoadedModel

  init() throws {
    folder = try TemporaryFolder()
    model = try ModelLoader.load(
      Fixtures.miniZiya("base-meta"), delta: Fixtures.miniZiya("delta"))
  }

  private static let types: [TensorType] = [.q3_K, .q4_K, .q8_0]

  private func text(windows: Int = 4, context: Int = 64) throws -> CalibrationText {
    var text = CalibrationText(context: context)
    let path = Fixtures.miniZiya("expected/eval-en.txt")
    try text.add(
      String(decoding: try Fixtures.bytes(path), as: UTF8.self), from: path,
      tokenizer: try model.requiredTokenizer())
    return text.sampled(tokens: 64 * windows)
  }

  private func run(
    types: [TensorType] = types, windows: Int = 4, memory: Int = 1 << 30, threads: Int = 2,
    importance: ImportanceMatrix? = nil
  ) throws -> SensitivityRun {
    try SensitivityRun(
      model.llama.inGGUFOrder(), importance: importance, text: try text(windows: 2 * windows),
      sample: try text(windows: windows), types: types, memory: memory,
      workers: Workers(threads: threads))
  }

  @Test func everyMatrixIsMeasuredInEveryType() throws {
    let found = try run().run()
    #expect(found.isComplete)
    #expect(found.matrices.count == 30)
    #expect(found.matrices.first?.name == "token_embd.weight")
    #expect(found.matrices.last?.name == "output.weight")
    for matrix in found.matrices {
      let errors = Self.types.compactMap { matrix.errors[$0] }
      #expect(errors.count == Self.types.count, "\(matrix.name)")
      // More bits, less error.
      #expect(errors == errors.sorted(by: >), "\(matrix.name) \(errors)")
      #expect(matrix.probe == .q3_K)
      #expect(matrix.divergence ?? 0 > 0)
    }
    #expect(found.uniform.map(\.type) == Self.types)
    let divergences = found.uniform.map(\.divergence)
    #expect(divergences == divergences.sorted(by: >))
  }

  /// The sum of what each matrix does alone is near what all do together.
  @Test func thePartsMakeTheWhole() throws {
    let found = try run(windows: 8).run()
    let whole = DivergenceModel(found)
    for uniform in found.uniform {
      let sum = found.matrices.reduce(0) {
        $0 + (DivergenceModel.damage(of: $1, in: uniform.type) ?? .nan)
      }
      let expected = whole.divergence(ofSum: sum)
      #expect(abs(expected / uniform.divergence - 1) < 0.15, "\(uniform.type) \(expected)")
    }
  }

  @Test func neitherThreadsNorMemoryChangeANumber() throws {
    let found = try run().run()
    let alone = try run(memory: 1, threads: 1).run()
    #expect(alone == found)
    // Some streams at a time, in groups that end within a layer.
    let groups = try run(memory: 7 * 272 * 256 * 4, threads: 3).run()
    #expect(groups == found)
  }

  @Test func aRunGoesOnWhereItWasInterrupted() throws {
    let found = try run().run()
    let memory = 8 * 272 * 256 * 4
    var (kept, saved): (Sensitivities?, Int) = (nil, 0)
    for share in [0.3, 0.5, 0.8] {
      let cancellation = Cancellation()
      expectError(.interrupted) {
        _ = try run(memory: memory).run(
          resuming: kept, until: cancellation,
          saving: { (found) throws(WeightmillError) in
            let path = folder("x.json")
            try SensitivityFile.write(found, to: path, overwrite: true, inputs: [])
            kept = try SensitivityFile.read(path)
            saved += 1
          }, progress: { if $0 > share { cancellation.cancel() } })
      }
    }
    #expect(saved > 1)
    let left = kept?.matrices.count { $0.divergence == nil } ?? 0
    #expect((1..<30).contains(left))
    let rest = try run(memory: memory).run(resuming: kept)
    #expect(rest == found)
  }

  @Test func anotherRunIsNotContinued() throws {
    let found = try run().run()
    let other = expectError(.mismatch) {
      _ = try run(windows: 3).run(resuming: found)
    }
    #expect(other?.problem.contains("384 and 192 tokens, not the 512 and 256 of before") == true)
    let few = expectError(.mismatch) {
      _ = try run(types: [.q3_K, .q4_K]).run(resuming: found)
    }
    #expect(few?.problem.contains("types Q3_K, Q4_K, not Q3_K, Q4_K, Q8_0") == true)
    let importance = try ImportanceCollector(
      model.llama.inGGUFOrder(), workers: Workers(threads: 2)
    ).run(text())
    let guided = expectError(.mismatch) {
      _ = try run(importance: importance).run(resuming: found)
    }
    #expect(guided?.problem.contains("another importance") == true)
  }

  @Test func whatIsWrittenIsReadAgain() throws {
    let found = try run().run()
    let path = folder("x.json")
    try SensitivityFile.write(found, to: path, overwrite: false, inputs: [])
    let again = try SensitivityFile.read(path)
    #expect(again == found)
    #expect(try found.isOf(model.llama.inGGUFOrder()))
    let base = try ModelLoader.load(Fixtures.miniZiya("base-meta"))
    #expect(try !found.isOf(base.llama.inGGUFOrder()))
  }

  @Test func progressGoesFromNothingToAll() throws {
    var shares: [Double] = []
    _ = try run(memory: 5 * 272 * 256 * 4).run(progress: { shares.append($0) })
    #expect(shares.count > 30)
    #expect(shares == shares.sorted())
    #expect(shares.first == 0)
    #expect(shares.last.map { $0 > 0.9 && $0 <= 1 + 1e-9 } == true)
  }

  @Test func textThatFillsNoWindowIsRefused() throws {
    let short = expectError(.mismatch) {
      _ = try SensitivityRun(
        model.llama.inGGUFOrder(), importance: nil, text: CalibrationText(context: 64),
        sample: CalibrationText(context: 64), types: Self.types, memory: 1 << 20,
        workers: Workers(threads: 1))
    }
    #expect(short?.problem.contains("do not fill a window") == true)
  }

  /// What users of the library call, in place of all that can be set.
  @Test func anAsynchronousRunMeasuresTheSame() async throws {
    let text = try text(windows: 40)
    let shares = Mutex<[Double]>([])
    let found = try await SensitivityRun(
      model, importance: nil, text: text, types: Self.types, workers: Workers(threads: 2)
    ).run { share in shares.withLock { $0.append(share) } }
    #expect(try found == measured(text))
    #expect(shares.withLock { $0 }.allSatisfy { (0...1).contains($0) })
    #expect(shares.withLock { $0.count } > 3)
    #expect(try found.isOf(model))
  }

  private func measured(_ text: CalibrationText) throws -> Sensitivities {
    try SensitivityRun(
      model.llama.inGGUFOrder(), importance: nil, text: text.spread(tokens: 2048),
      sample: text.sampled(tokens: 1024), types: Self.types, memory: 1 << 30,
      workers: Workers(threads: 2)
    ).run()
  }

  @Test func measuringStopsWithItsTask() async throws {
    let run = try run()
    await expectInterrupted { _ = try await run.run() }
  }
}
