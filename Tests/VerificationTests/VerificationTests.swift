import Conversion
import LLaMA
import Tensors
import TestSupport
import Testing
import Tokenization
import Verification

/// The statistics are those of the textbook, and a model agrees with itself.
struct VerificationTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func model(_ name: String, seed: UInt64 = 1, rows: Int = 300) throws -> LoadedModel {
    try ModelLoader.load(SmallModel(layers: 2, rows: rows, seed: seed).write(to: folder, name))
  }

  private func tokens(_ count: Int) -> [Int] {
    var random = SeededGenerator(seed: 9)
    return (0..<count).map { _ in Int.random(in: 3..<259, using: &random) }
  }

  @Test func aModelAgreesWithItself() throws {
    let model = try model("a").llama
    let comparison = try ModelComparison(
      candidate: model, reference: model, workers: Workers(threads: 2))
    let result = try comparison.run(TextWindows(tokens(100), context: 32, bos: 1))
    #expect(result.positions == 100)
    #expect(result.divergence.mean == 0)
    #expect(result.divergence.maximum == 0)
    #expect(result.sameTop == 1)
    #expect(result.perplexity.ratio == 1)
    #expect(result.probabilityChange == 0)
  }

  @Test(arguments: [1, 2, 3])
  func statisticsAreThoseOfTheTextbook(threads: Int) throws {
    let (a, b) = (try model("a", seed: 1).llama, try model("b", seed: 2).llama)
    let windows = TextWindows(tokens(70), context: 30, bos: 1)
    #expect(windows.windows.map(\.count) == [30, 30, 10])
    let result = try ModelComparison(candidate: b, reference: a, workers: Workers(threads: threads))
      .run(windows)
    let expected = try Textbook(reference: a, candidate: b, windows: windows.windows)
    #expect(abs(result.divergence.mean - expected.meanDivergence) < 1e-9)
    #expect(abs(result.divergence.maximum - expected.largestDivergence) < 1e-9)
    #expect(result.sameTop == expected.sameTop)
    #expect(abs(result.perplexity.reference / expected.referencePerplexity - 1) < 1e-9)
    #expect(abs(result.perplexity.candidate / expected.candidatePerplexity - 1) < 1e-9)
    #expect(abs(result.probabilityChange - expected.probabilityChange) < 1e-9)
  }

  @Test func tooLittleTextCannotBeMeasured() throws {
    let model = try model("a").llama
    let comparison = try ModelComparison(
      candidate: model, reference: model, workers: Workers(threads: 1))
    expectError(.mismatch) { _ = try comparison.run(TextWindows([1], context: 32, bos: 1)) }
    expectError(.mismatch) { _ = try comparison.run(TextWindows([], context: 32, bos: 1)) }
  }

  @Test func aModelThatPredictsNoNumbersNeverPasses() throws {
    var broken = SmallModel(layers: 2)
    broken.change = { name, values in
      if name.contains("down_proj") { values[7] = .nan }
    }
    let sound = try model("a").llama
    let damaged = try ModelLoader.load(broken.write(to: folder, "b")).llama
    for (candidate, reference) in [(damaged, sound), (sound, damaged), (damaged, damaged)] {
      let comparison = try ModelComparison(
        candidate: candidate, reference: reference, workers: Workers(threads: 2))
      let error = expectError(.mismatch) {
        _ = try comparison.run(TextWindows(tokens(40), context: 32, bos: 1))
      }
      #expect(error?.problem.contains("not numbers") == true)
    }
  }

  @Test func differentVocabulariesCannotBeCompared() throws {
    let (a, b) = (try model("a").llama, try model("b", rows: 400).llama)
    expectError(.mismatch) {
      _ = try ModelComparison(candidate: a, reference: b, workers: Workers(threads: 1))
    }
  }

  @Test func tokenizersThatDisagreeAreNamed() throws {
    let ziya = try ModelLoader.vocabulary(Fixtures.miniZiya("delta"))
    let base = try ModelLoader.vocabulary(Fixtures.miniZiya("base-hf"))
    #expect(
      try TokenAgreement.encode("Hello", candidate: (base, "base"), reference: ziya)
        == [1, 594, 284, 333])
    let error = expectError(.mismatch) {
      _ = try TokenAgreement.encode("Hello 你好", candidate: (base, "base"), reference: ziya)
    }
    #expect(error?.place?.contains("token ") == true)
  }

  @Test func limitsAreKeptOrNot() throws {
    let (a, b) = (try model("a", seed: 1).llama, try model("b", seed: 2).llama)
    let result = try ModelComparison(candidate: b, reference: a, workers: Workers(threads: 2))
      .run(TextWindows(tokens(40), context: 40, bos: 1))
    var gate = LogitGate()
    #expect(gate.judge(result).isEmpty)
    gate.maximumDivergence = result.divergence.mean
    gate.maximumDivergenceP99 = result.divergence.p99.nextDown
    gate.minimumSameTop = result.sameTop
    gate.maximumPerplexityRatio = result.perplexity.ratio.nextDown
    let outcomes = gate.judge(result)
    #expect(outcomes.map(\.limit) == ["max-kld", "max-kld-p99", "max-ppl-ratio", "min-top1"])
    #expect(outcomes.map(\.passed) == [true, false, false, true])
  }
}

/// The same figures, computed from whole logits.
private struct Textbook {
  var meanDivergence = 0.0
  var largestDivergence = 0.0
  var sameTop = 0.0
  var referencePerplexity = 0.0
  var candidatePerplexity = 0.0
  var probabilityChange = 0.0

  init(reference: LlamaModel, candidate: LlamaModel, windows: [[Int]]) throws {
    var divergences: [Double] = []
    var (same, squares, p, q, targets) = (0, 0.0, 0.0, 0.0, 0)
    for window in windows {
      let a = try Self.logProbabilities(reference, window)
      let b = try Self.logProbabilities(candidate, window)
      for place in window.indices {
        divergences.append(
          zip(a[place], b[place]).reduce(0) { $0 + Elementary.exponential($1.0) * ($1.0 - $1.1) })
        same += a[place].indexOfLargest == b[place].indexOfLargest ? 1 : 0
        guard place + 1 < window.count else { continue }
        let (x, y) = (a[place][window[place + 1]], b[place][window[place + 1]])
        p -= x
        q -= y
        targets += 1
        let change = Elementary.exponential(y) - Elementary.exponential(x)
        squares += change * change
      }
    }
    meanDivergence = divergences.reduce(0, +) / Double(divergences.count)
    largestDivergence = divergences.max() ?? 0
    sameTop = Double(same) / Double(divergences.count)
    referencePerplexity = Elementary.exponential(p / Double(targets))
    candidatePerplexity = Elementary.exponential(q / Double(targets))
    probabilityChange = (squares / Double(targets)).squareRoot()
  }

  private static func logProbabilities(_ model: LlamaModel, _ tokens: [Int]) throws -> [[Double]] {
    let pass = ForwardPass(model, workers: Workers(threads: 1))
    var hidden = try pass.embed(tokens)
    for layer in 0..<model.configuration.layerCount {
      try pass.apply(layer: layer, to: &hidden, windows: [0..<tokens.count])
    }
    let logits = try pass.logits(
      rows: 0..<model.configuration.vocabularyRows, of: pass.normalized(hidden))
    return (0..<tokens.count).map { row in
      let values = logits[row].map(Double.init)
      let largest = values.max() ?? 0
      let sum = values.reduce(0) { $0 + Elementary.exponential($1 - largest) }
      return values.map { $0 - largest - Elementary.logarithm(sum) }
    }
  }
}

extension [Double] {
  fileprivate var indexOfLargest: Int {
    indices.reduce(0) { self[$1] > self[$0] ? $1 : $0 }
  }
}
