import Testing
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization

/// What binary32 costs, measured against binary64 on `fixtures/mini-ziya`.
struct PrecisionTests {
  /// The largest relative error of the residual stream after a layer: root of summed squares.
  /// Measured: 1.1e-6.
  private static let hiddenBound = 3e-6
  /// The largest absolute difference of a logit. Measured: 4.2e-5.
  private static let logitBound = 1.2e-4
  /// The largest mean KL divergence, in nats. Measured: 2.9e-12.
  private static let divergenceBound = 1e-11

  @Test func binary32AndBinary64Agree() throws {
    let model = try ModelLoader.load(
      Fixtures.miniZiya("base-meta"), delta: Fixtures.miniZiya("delta"))
    let text = try Fixtures.bytes(Fixtures.miniZiya("expected/eval-zh.txt"))
    let tokens = Array(
      try model.requiredTokenizer().encode(String(decoding: text, as: UTF8.self))
        .prefix(300))
    let passes = [Precision.single, .double].map {
      ForwardPass(model.llama, workers: Workers(threads: 2), precision: $0)
    }
    var states = try passes.map { try $0.embed(tokens) }
    for layer in 0..<model.llama.configuration.layerCount {
      for side in 0..<2 {
        try passes[side].apply(layer: layer, to: &states[side], windows: [0..<tokens.count])
      }
      let error = relativeError(states[0].allNumbers, states[1].allNumbers)
      print("layer \(layer): relative difference \(error)")
      #expect(error <= Self.hiddenBound)
    }
    let logits = try (0..<2).map {
      try passes[$0].logits(rows: 0..<3072, of: passes[$0].normalized(states[$0])).allNumbers
    }
    let worst = zip(logits[0], logits[1]).reduce(0) { max($0, abs($1.0 - $1.1)) }
    let divergence = Divergence.mean(logits[1], logits[0], vocabulary: 3072)
    print("logits: largest difference \(worst), mean KL divergence \(divergence)")
    #expect(worst > 0 && worst <= Self.logitBound)
    #expect(divergence <= Self.divergenceBound)
  }

  private func relativeError(_ values: [Double], _ reference: [Double]) -> Double {
    let pairs = zip(values, reference)
    let lost = pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return (lost / reference.reduce(0) { $0 + $1 * $1 }).squareRoot()
  }
}
