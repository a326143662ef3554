import Foundation
import Synchronization
import Testing
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport
import WeightmillVerification

/// What `verify-logits` does is there for users of the library, too.
struct VerificationRunTests {
  private let models: ComparedModels
  private let ids = [1, 7, 8, 30, 40, 299, 0, 12, 9, 9, 9, 4, 260, 33, 21, 5]

  init() throws { models = try ComparedModels() }

  private func request(
    _ sources: [EvaluationInput.Source], context: Int = 6
  ) throws -> VerificationRequest {
    let names = [("candidate", 2), ("reference", 1)]
    for (name, seed) in names { _ = try models.model(name, seed: UInt64(seed)) }
    return VerificationRequest(
      candidate: ModelRequest(models.folder("candidate")),
      reference: ModelRequest(models.folder("reference")),
      evaluation: EvaluationInput(sources, context: context))
  }

  @Test func anAsynchronousRunReportsTheSame() async throws {
    let run = try VerificationRun(request([.tokens(ids, name: "mine")]))
    let workers = Workers(threads: 2)
    let report = try await run.report(workers: workers)
    #expect(try report == run.report(workers: workers, cancellation: Cancellation()))
  }

  @Test func aRunReportsWhatTheComparisonMeasures() throws {
    let path = try models.folder.write(Array("[[5, 6, 7], [299, 0]]".utf8), to: "ids.json")
    var request = try request([.tokens(ids, name: "mine"), .tokenFile(path)])
    request.gate.maximumDivergence = 0
    request.attribution = .init(grouping: .layer)
    let run = try VerificationRun(request)
    let stages = Mutex<[VerificationRun.Stage]>([])
    let report = try run.report(workers: Workers(threads: 2)) { stage, share in
      #expect((0...1).contains(share))
      stages.withLock { if $0.last != stage { $0.append(stage) } }
    }
    let texts = [
      EvaluationText(name: "mine", ids: ids, context: 6),
      EvaluationText(name: "1", ids: [5, 6, 7], context: 6),
      EvaluationText(name: "2", ids: [299, 0], context: 6),
    ]
    let (a, b) = (try models.model("a", seed: 1), try models.model("b", seed: 2))
    #expect(report.total == (try models.compare(b, a, texts).total))
    #expect(report.texts.map(\.name) == ["mine", "\(path)#1", "\(path)#2"])
    #expect(report.tokenizers == nil)
    #expect(report.candidate.name == models.folder("candidate"))
    #expect(!report.passed && report.limits.contains { $0.limit == "max-kld" && !$0.passed })
    #expect(!report.attribution.isEmpty)
    #expect(stages.withLock { $0 } == [.checking, .comparing, .attributing])
    #expect(run.inputs.contains(path))
    #expect(Set(report.tensors.map(\.layer)).isSuperset(of: [0, 1]))
  }

  /// A file of positions, as `formats/saved-positions.md` describes it.
  private struct SavedPositions: Decodable {
    struct Text: Decodable {
      let name: String
      let windows: [Window]
    }
    struct Window: Decodable {
      let divergence: [Double]
      let sameTop: [Bool]
    }
    let schema: Int
    let texts: [Text]
  }

  @Test func positionsAreSavedByTextAndWindow() throws {
    let path = models.folder("positions.json")
    var request = try request([.tokens(ids, name: "mine"), .tokens([5, 6, 7], name: "short")])
    request.savedPositions = .init(path)
    let report = try VerificationRun(request).report(workers: Workers(threads: 2))
    let file = try JSONDecoder().decode(SavedPositions.self, from: Data(Fixtures.bytes(path)))
    #expect(file.schema == 1)
    #expect(file.texts.map(\.name) == ["mine", "short"])
    #expect(file.texts.map { $0.windows.map(\.divergence.count) } == [[6, 6, 4], [3]])
    for (saved, text) in zip(file.texts, report.texts) {
      let figures = try #require(text.statistics)
      let (values, same) = (saved.windows.flatMap(\.divergence), saved.windows.flatMap(\.sameTop))
      #expect(values.count == figures.positions && same.count == values.count)
      let mean = values.reduce(0, +) / Double(values.count)
      #expect(abs(mean - figures.divergence.mean) < 1e-12)
      #expect(values.max() == figures.divergence.maximum)
      #expect(Double(same.count { $0 }) / Double(same.count) == figures.sameTop)
    }
    // Divergences stand in the order of positions: the largest is where the report says.
    let worst = try #require(report.worst.first)
    let windows = file.texts[worst.text == "mine" ? 0 : 1].windows
    #expect(windows[worst.position / 6].divergence[worst.position % 6] == worst.divergence)
    expectError(.cannotWrite) {
      _ = try VerificationRun(request).report(workers: Workers(threads: 2))
    }
    request.savedPositions?.overwrite = true
    _ = try VerificationRun(request).report(workers: Workers(threads: 2))
  }

  @Test func whatTheUserShouldKnowIsAValue() throws {
    let trained = try models.model("c").configuration.contextLength
    let notes = try VerificationRun(
      request([.tokens(ids, name: "mine")], context: trained + 1)
    ).notes
    #expect(notes.contains { $0.contains("trained on \(trained) tokens") })
    let short = try VerificationRun(request([.tokens(ids, name: "mine")])).notes
    #expect(!short.contains { $0.contains("trained on") })
  }

  @Test(arguments: [
    ([1, -1, 2], "position 1"), ([1, 2, 300], "position 2"), ([1], nil), ([], nil),
  ])
  func idsThatCannotBeJudgedAreRefused(ids: [Int], location: String?) throws {
    let request = try request([.tokens(ids, name: "mine")])
    let error = expectError(.mismatch) { _ = try VerificationRun(request) }
    if let location { #expect("\(error as Any)".contains(location)) }
  }

  @Test func logitsThatARunSavedJudgeAsTheModelDoes() throws {
    var request = try request([.tokens(ids, name: "mine")])
    let expected = try VerificationRun(request).report(workers: Workers(threads: 1)).total
    let path = models.folder("logits.safetensors")
    var saving = request
    saving.candidate = ModelRequest(models.folder("reference"))
    saving.reference = nil
    expectError(.usage) { _ = try VerificationRun(saving) }
    saving.savedLogits = .init(path)
    _ = try VerificationRun(saving).report(workers: Workers(threads: 1))
    request.reference = ModelRequest(path)
    request.evaluation.sources = []
    let report = try VerificationRun(request).report(workers: Workers(threads: 1))
    #expect(report.total == expected)
    #expect(report.settings.context == 6)
    request.savedLogits = .init(models.folder("again.safetensors"))
    expectError(.usage) { _ = try VerificationRun(request) }
  }

  @Test func aRunWithoutTextIsRefused() throws {
    let request = try request([])
    expectError(.usage) { _ = try VerificationRun(request) }
  }
}
