import Testing
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

struct ActivationsTests {
  /// The embeddings of some tokens.
  private func embedded(_ count: Int, _ precision: Precision) throws -> Activations {
    let model = try ModelLoader.load(
      Fixtures.miniZiya("base-meta"), delta: Fixtures.miniZiya("delta"))
    return try ForwardPass(model.llama, workers: Workers(threads: 2), precision: precision)
      .embed((0..<count).map { 5 + 17 * $0 })
  }

  @Test(arguments: [Precision.single, .double])
  func selectedVectorsAreCopies(precision: Precision) throws {
    let all = try embedded(20, precision)
    let some = all.selecting([19, 0, 17, 0])
    #expect(some.rows == 4 && some.columns == 256 && some.precision == precision)
    #expect(some.allNumbers == all[19] + all[0] + all[17] + all[0])
    #expect(all.selecting([]).rows == 0)
  }

  @Test(arguments: [Precision.single, .double])
  func squaredDifferencesAreThoseOfAPlainLoop(precision: Precision) throws {
    let all = try embedded(37, precision)
    let a = all.selecting(Array(0..<18))
    let b = all.selecting(Array(18..<36))
    let (difference, size) = a.squaredDifference(from: b)
    let pairs = Array(zip(a.allNumbers, b.allNumbers))
    let expected = pairs.reduce(0.0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    #expect(abs(difference / expected - 1) < 1e-13)
    #expect(abs(size / pairs.reduce(0.0) { $0 + $1.1 * $1.1 } - 1) < 1e-13)
    #expect(a.squaredDifference(from: a).difference == 0)
  }

  @Test func copiesDoNotChangeWithTheOriginal() throws {
    let model = try ModelLoader.load(Fixtures.miniZiya("base-meta"))
    let pass = ForwardPass(model.llama, workers: Workers(threads: 2))
    var hidden = try pass.embed([1, 2, 3])
    let before = hidden
    let values = before.allValues
    try pass.apply(layer: 0, to: &hidden, windows: [0..<3])
    #expect(before.allValues == values)
    #expect(hidden.allValues != values)
  }
}
