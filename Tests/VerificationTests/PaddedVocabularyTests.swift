import Foundation
import Testing
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport
import WeightmillVerification

/// Models whose vocabularies are padded to different heights are compared over what both have.
struct PaddedVocabularyTests {
  private let models: ComparedModels
  private let text: EvaluationText

  init() throws {
    models = try ComparedModels()
    text = models.text(40, context: 20)
  }

  /// The probabilities of rows from `first` on, at each position, by plain sums over the logits.
  private func rest(_ model: LlamaModel, from first: Int) throws -> [Double] {
    let view = try LlamaModel(
      catalogue: LlamaView(model, as: .gguf), configuration: model.configuration, scheme: .gguf)
    let pass = ForwardPass(view, workers: Workers(threads: 1))
    return try text.windows.flatMap { window in
      var hidden = try pass.embed(window.tokens)
      for layer in 0..<model.configuration.layerCount {
        try pass.apply(layer: layer, to: &hidden, windows: [0..<window.tokens.count])
      }
      let logits = try pass.logits(
        rows: 0..<model.configuration.vocabularyRows, of: pass.normalized(hidden))
      return window.judged.map { position in
        let powers = logits[position].map { exp($0) }
        return powers[first...].reduce(0, +) / powers.reduce(0, +)
      }
    }
  }

  @Test(arguments: [true, false])
  func theRestIsReported(isCandidateTaller: Bool) throws {
    // The rows of one seed are the same as far as both have them.
    let (short, tall) = (try models.model("s", rows: 300), try models.model("t", rows: 320))
    let (candidate, reference) = isCandidateTaller ? (tall, short) : (short, tall)
    let report = try models.report(candidate, reference, [text])
    let vocabulary = try #require(report.vocabulary)
    let expected = try rest(tall, from: 300)
    #expect(vocabulary.candidate == candidate.configuration.vocabularyRows)
    #expect(vocabulary.reference == reference.configuration.vocabularyRows)
    let mean = expected.reduce(0, +) / Double(expected.count)
    #expect(abs(vocabulary.meanRest - mean) < 1e-6 * mean)
    #expect(abs(vocabulary.maximumRest - (expected.max() ?? 0)) < 1e-6)
    #expect(mean > 0.01)
    // Over the rows of both nothing differs.
    #expect(report.total.divergence.maximum == 0 && report.total.normalizedSquareError == 0)
  }

  @Test func equalHeightsHaveNoRest() throws {
    let model = try models.model("a")
    let report = try models.report(model, model, [text])
    #expect(report.vocabulary == nil)
    #expect(try !report.json().contains("vocabulary"))
  }

  @Test func aReportWithARestIsReadBack() throws {
    let report = try models.report(
      models.model("s", rows: 300), models.model("t", rows: 320), [text])
    let json = try report.json()
    #expect(json.contains("\"maximumRest\""))
    #expect(try VerificationReport(json: Array(json.utf8), location: "x") == report)
  }

  @Test func savedLogitsOfAnotherHeightAreCompared() throws {
    let (short, tall) = (try models.model("s", rows: 300), try models.model("t", rows: 320))
    for (saved, candidate) in [(short, tall), (tall, short)] {
      let path = models.folder("logits-\(saved.configuration.vocabularyRows)")
      let rows = saved.configuration.vocabularyRows
      let writer = try LogitsWriter(
        path, texts: [text], vocabularyRows: rows, origin: "x", overwrite: true, inputs: [])
      let workers = Workers(threads: 2)
      _ = try ModelComparison(candidate: saved, reference: .model(saved), workers: workers)
        .run([text], saving: writer)
      try writer.commit(Cancellation())
      let logits = try #require(try SavedLogitsFile.open(path, bos: 1))
      let result = try ModelComparison(
        candidate: candidate, reference: .saved(logits), workers: workers
      ).run(logits.texts)
      let total = try #require(result.total)
      #expect(total.divergence.maximum < 1e-9)
    }
  }

  @Test func tokensOfOneSideAreRefused() throws {
    let (short, tall) = (try models.model("s", rows: 300), try models.model("t", rows: 320))
    let text = EvaluationText(name: "mine", ids: [5, 310, 7], context: 3)
    let error = expectError(.mismatch) { _ = try models.compare(short, tall, [text]) }
    #expect(error?.problem.contains("token 310") == true)
  }

  @Test func heightsThatAreNoPaddingAreRefused() throws {
    let (short, tall) = (try models.model("s", rows: 300), try models.model("t", rows: 1324))
    let error = expectError(.mismatch) { _ = try models.compare(short, tall, [text]) }
    #expect(error?.problem == "predicts 300 tokens, the reference 1324")
    _ = try models.compare(models.model("u", rows: 1323), short, [text])
  }

  @Test func aRestThatIsNoNumberIsBroken() throws {
    let tall = try models.model("t", rows: 320) { name, values in
      if name == "lm_head.weight" { values[values.count - 1] = .nan }
    }
    let error = expectError(.mismatch) {
      _ = try models.compare(tall, models.model("s", rows: 300), [text])
    }
    #expect(error?.problem.contains("not numbers") == true && error?.file.contains("t") == true)
  }
}
