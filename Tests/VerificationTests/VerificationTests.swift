import Foundation
import Testing
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization
import WeightmillVerification

/// The statistics are those of the textbook, and a model agrees with itself.
struct VerificationTests {
  private let models: ComparedModels

  init() throws { models = try ComparedModels() }

  @Test func aModelAgreesWithItself() throws {
    let model = try models.model("a")
    let result = try models.compare(model, model, models.text(100, context: 32))
    let total = try #require(result.total)
    #expect(total.positions == 100)
    #expect(total.divergence.mean == 0)
    #expect(total.divergence.maximum == 0)
    #expect(total.sameTop == 1)
    #expect(total.topFiveOverlap == 1)
    #expect(total.perplexity.ratio == 1)
    #expect(total.perplexity.ratioError == 0)
    #expect(total.probabilityChange.rms == 0)
    #expect(total.normalizedSquareError == 0)
    #expect(result.differingTensors.isEmpty)
  }

  @Test(arguments: [1, 2, 3])
  func statisticsAreThoseOfTheTextbook(threads: Int) throws {
    let (a, b) = (try models.model("a", seed: 1), try models.model("b", seed: 2))
    let text = models.text(70, context: 30)
    #expect(text.windows.map(\.tokens.count) == [30, 30, 10])
    let result = try #require(try models.compare(b, a, text, threads: threads).total)
    let expected = try Textbook(reference: a, candidate: b, text: text)
    #expect(result.positions == 70)
    #expect(abs(result.divergence.mean - expected.meanDivergence) < 1e-9)
    #expect(abs(result.divergence.standardError - expected.divergenceError) < 1e-9)
    #expect(abs(result.divergence.maximum - expected.largestDivergence) < 1e-9)
    #expect(result.sameTop == expected.sameTop)
    #expect(abs(result.topFiveOverlap - expected.topFiveOverlap) < 1e-12)
    #expect(abs(result.perplexity.reference / expected.referencePerplexity - 1) < 1e-9)
    #expect(abs(result.perplexity.candidate / expected.candidatePerplexity - 1) < 1e-9)
    #expect(abs(result.perplexity.ratioError / expected.ratioError - 1) < 1e-9)
    #expect(abs(result.probabilityChange.rms - expected.probabilityChange) < 1e-9)
    #expect(abs(result.normalizedSquareError / expected.squareError - 1) < 1e-9)
  }

  @Test func secondHalvesAreJudgedAsLlamaPerplexityJudgesThem() throws {
    let (a, b) = (try models.model("a", seed: 1), try models.model("b", seed: 2))
    let text = models.text(70, context: 30, isSecondHalf: true)
    #expect(text.windows.map(\.judged) == [15..<29, 15..<29])
    let result = try #require(try models.compare(b, a, text).total)
    let expected = try Textbook(reference: a, candidate: b, text: text)
    #expect(result.positions == 28)
    #expect(abs(result.divergence.mean - expected.meanDivergence) < 1e-9)
    #expect(abs(result.perplexity.reference / expected.referencePerplexity - 1) < 1e-9)
  }

  @Test func eachTextHasFiguresOfItsOwn() throws {
    let (a, b) = (try models.model("a", seed: 1), try models.model("b", seed: 2))
    let texts = [models.text(40, context: 20), models.text(33, context: 20, seed: 3)]
    let both = try models.compare(b, a, texts)
    for (number, text) in texts.enumerated() {
      let alone = try models.compare(b, a, text)
      #expect(both.statistics(ofText: number) == alone.total)
    }
    #expect(both.total?.positions == 73)
  }

  @Test func tooLittleTextCannotBeMeasured() throws {
    let model = try models.model("a")
    for tokens in [[1], []] {
      let text = EvaluationText(name: "x", tokens: tokens, cut: .init(context: 32, bos: 1))
      expectError(.mismatch) { _ = try models.compare(model, model, text) }
    }
    expectError(.mismatch) {
      _ = try models.compare(model, model, models.text(20, context: 30, isSecondHalf: true))
    }
  }

  @Test func aModelThatPredictsNoNumbersNeverPasses() throws {
    let sound = try models.model("a")
    let damaged = try models.model("b") { name, values in
      if name.contains("down_proj") { values[7] = .nan }
    }
    for (candidate, reference) in [(damaged, sound), (sound, damaged), (damaged, damaged)] {
      let error = expectError(.mismatch) {
        _ = try models.compare(candidate, reference, models.text(40, context: 32))
      }
      #expect(error?.problem.contains("not numbers") == true)
    }
  }

  @Test func differentVocabulariesCannotBeCompared() throws {
    let (a, b) = (try models.model("a"), try models.model("b", rows: 4000))
    expectError(.mismatch) {
      _ = try ModelComparison(candidate: a, reference: .model(b), workers: Workers(threads: 1))
    }
  }

  @Test func aStoppedRunReturnsWhatWasMeasured() throws {
    let model = try models.model("a")
    let cancellation = Cancellation()
    let texts = [models.text(2048, context: 512), models.text(2048, context: 512, seed: 2)]
    let comparison = try ModelComparison(
      candidate: model, reference: .model(model), workers: Workers(threads: 2))
    let result = try comparison.run(texts, cancellation: cancellation) { share in
      if share >= 0.6 { cancellation.cancel() }
    }
    #expect(result.isPartial)
    #expect(result.total?.positions == 2048)
    #expect(result.statistics(ofText: 1) == nil)
    expectError(.interrupted) { _ = try comparison.run(texts, cancellation: cancellation) }
  }

  @Test func tokenizersThatDisagreeAreNamed() throws {
    let ziya = try ModelLoader.tokenizer(Fixtures.miniZiya("delta"))
    let base = try ModelLoader.tokenizer(Fixtures.miniZiya("base-hf"))
    var agreement = TokenAgreement(reference: ziya, candidate: base)
    #expect(try agreement.encode("Hello", name: "x") == [1, 594, 284, 333])
    #expect(agreement.difference == nil)
    _ = try agreement.encode("Hello 你好", name: "greeting.txt")
    #expect(agreement.difference?.contains("greeting.txt, token ") == true)
    #expect(agreement.difference?.contains("你好") == true)
  }
}

/// The same figures, computed from whole logits.
private struct Textbook {
  var meanDivergence = 0.0
  var divergenceError = 0.0
  var largestDivergence = 0.0
  var sameTop = 0.0
  var topFiveOverlap = 0.0
  var referencePerplexity = 0.0
  var candidatePerplexity = 0.0
  var ratioError = 0.0
  var probabilityChange = 0.0
  var squareError = 0.0

  init(reference: LlamaModel, candidate: LlamaModel, text: EvaluationText) throws {
    var (divergences, p, q): ([Double], [Double], [Double]) = ([], [], [])
    var (same, shared, error, size) = (0, 0, 0.0, 0.0)
    for window in text.windows {
      let a = try Self.logits(reference, window.tokens)
      let b = try Self.logits(candidate, window.tokens)
      for position in window.judged {
        let (x, y) = (a[position].logSoftmax, b[position].logSoftmax)
        divergences.append(zip(x, y).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) })
        same += x.order[0] == y.order[0] ? 1 : 0
        shared += Set(x.order.prefix(5)).intersection(y.order.prefix(5)).count
        error += zip(x.centred, y.centred).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        size += x.centred.reduce(0) { $0 + $1 * $1 }
        guard position + 1 < window.tokens.count else { continue }
        p.append(x[window.tokens[position + 1]])
        q.append(y[window.tokens[position + 1]])
      }
    }
    meanDivergence = divergences.mean
    divergenceError = divergences.errorOfMean
    largestDivergence = divergences.max() ?? 0
    sameTop = Double(same) / Double(divergences.count)
    topFiveOverlap = Double(shared) / Double(5 * divergences.count)
    referencePerplexity = exp(-p.mean)
    candidatePerplexity = exp(-q.mean)
    ratioError = exp(p.mean - q.mean) * zip(p, q).map { $0 - $1 }.errorOfMean
    probabilityChange = zip(p, q).map { (exp($1) - exp($0)) * (exp($1) - exp($0)) }.mean
      .squareRoot()
    squareError = error / size
  }

  private static func logits(_ model: LlamaModel, _ tokens: [Int]) throws -> [[Double]] {
    // Comparisons see every model in GGUF's order of rows, whose sums round in their own way.
    let view = try LlamaModel(
      catalogue: LlamaView(model, as: .gguf), configuration: model.configuration, scheme: .gguf)
    let pass = ForwardPass(view, workers: Workers(threads: 1))
    var hidden = try pass.embed(tokens)
    for layer in 0..<model.configuration.layerCount {
      try pass.apply(layer: layer, to: &hidden, windows: [0..<tokens.count])
    }
    let logits = try pass.logits(
      rows: 0..<model.configuration.vocabularyRows, of: pass.normalized(hidden))
    return (0..<tokens.count).map { logits[$0] }
  }
}

extension [Double] {
  fileprivate var logSoftmax: [Double] {
    let largest = self.max() ?? 0
    let sum = reduce(0) { $0 + exp($1 - largest) }
    return map { $0 - largest - log(sum) }
  }

  /// Places, that of the largest value first.
  fileprivate var order: [Int] {
    indices.sorted { self[$0] != self[$1] ? self[$0] > self[$1] : $0 < $1 }
  }

  fileprivate var mean: Double { reduce(0, +) / Double(count) }

  fileprivate var centred: [Double] { map { [mean] in $0 - mean } }

  fileprivate var errorOfMean: Double {
    (centred.reduce(0) { $0 + $1 * $1 } / Double(count - 1) / Double(count)).squareRoot()
  }
}
