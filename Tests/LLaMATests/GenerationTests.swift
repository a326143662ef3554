import Testing
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// Token by token, the model says what it says of the whole text.
struct GenerationTests {
  private let pass: ForwardPass
  /// Longer than a chunk of the cache.
  private let tokens = (0..<300).map { 3 + $0 * 7919 % 3000 }

  init() throws {
    let model = try ModelLoader.load(
      Fixtures.miniZiya("base-meta"), delta: Fixtures.miniZiya("delta"))
    pass = ForwardPass(model.llama, workers: Workers(threads: 2))
  }

  private func logits(_ pass: ForwardPass, _ tokens: [Int]) throws -> Activations {
    var hidden = try pass.embed(tokens)
    for layer in 0..<pass.model.configuration.layerCount {
      try pass.apply(layer: layer, to: &hidden, windows: [0..<tokens.count])
    }
    return try pass.logits(
      rows: 0..<pass.model.configuration.vocabularyRows, of: pass.normalized(hidden))
  }

  @Test(arguments: [Precision.single, .double])
  func logitsHaveTheBitsOfAPassOverTheWholeText(precision: Precision) throws {
    let pass = ForwardPass(pass.model, workers: Workers(threads: 2), precision: precision)
    let whole = try logits(pass, tokens)
    var generation = Generation(pass)
    var end = 0
    for count in [1, 1, 19, 3, 225, 1, 6, 1, 1, 42] {
      let last = try generation.extend(with: Array(tokens[end..<end + count]))
      end += count
      #expect(last == whole[end - 1].map(Float.init))
    }
    #expect(end == tokens.count && generation.count == end)
  }

  /// More heads share keys and values than a panel has lanes.
  @Test func manyHeadsThatShareKeysHaveTheBitsOfTheWholeText() throws {
    var model = SmallModel()
    (model.hidden, model.heads, model.keyValueHeads) = (136, 34, 2)
    let folder = try TemporaryFolder()
    let pass = ForwardPass(
      try ModelLoader.load(model.write(to: folder, "a")).llama, workers: Workers(threads: 2))
    let tokens = (0..<40).map { 3 + $0 * 71 % 290 }
    let whole = try logits(pass, tokens)
    var generation = Generation(pass)
    for (index, token) in tokens.enumerated() {
      #expect(try generation.extend(with: [token]) == whole[index].map(Float.init))
    }
  }

  @Test func copiesGrowApart() throws {
    var one = Generation(pass)
    _ = try one.extend(with: Array(tokens[..<20]))
    var other = one
    let first = try one.extend(with: [5])
    let second = try other.extend(with: [6])
    #expect(first != second)
    let last = try one.extend(with: [7])
    #expect(last == (try logits(pass, tokens[..<20] + [5, 7]))[21].map(Float.init))
  }

  @Test func aRefusedTokenLeavesTheTextAsItWas() throws {
    var generation = Generation(pass)
    _ = try generation.extend(with: Array(tokens[..<10]))
    expectError(.mismatch) { _ = try generation.extend(with: [5000]) }
    #expect(generation.count == 10)
    let next = try generation.extend(with: [tokens[10]])
    #expect(next == (try logits(pass, Array(tokens[..<11])))[10].map(Float.init))
  }

  @Test func aTextLongerThanTheContextIsAMismatch() throws {
    var generation = Generation(pass)
    let context = pass.model.configuration.contextLength
    expectError(.mismatch) {
      _ = try generation.extend(with: [Int](repeating: 3, count: context + 1))
    }
  }
}
