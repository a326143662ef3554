import Testing
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// A text is continued until the model ends it, or there is enough of it.
struct ContinuationTests {
  private let pass: ForwardPass
  private var greedy = Sampler.Settings()

  init() throws {
    let folder = try TemporaryFolder()
    let model = try ModelLoader.load(SmallModel(layers: 2).write(to: folder, "a"))
    pass = ForwardPass(model.llama, workers: Workers(threads: 1))
    greedy.temperature = 0
  }

  private func run(
    _ prompt: [Int], count: Int, ends: Set<Int> = [], stopAfter: Int = .max
  ) throws -> (ids: [Int], ending: Continuation.Ending) {
    var ids: [Int] = []
    var continuation = Continuation(pass, greedy)
    let ending = try continuation.run(prompt, count: count, ends: ends) { id in
      ids.append(id)
      return ids.count < stopAfter
    }
    return (ids, ending)
  }

  /// The most likely token after a text that the model reads as a whole.
  private func likeliest(after text: [Int]) throws -> Int {
    var hidden = try pass.embed(text)
    for layer in 0..<pass.model.configuration.layerCount {
      try pass.apply(layer: layer, to: &hidden, windows: [0..<text.count])
    }
    let logits = try pass.logits(
      rows: 0..<pass.model.configuration.vocabularyRows, of: pass.normalized(hidden))
    let last = Array(logits[text.count - 1])
    return last.indices.max { last[$0] < last[$1] } ?? 0
  }

  @Test func eachTokenIsTheMostLikelyAfterTheTextSoFar() throws {
    var text = [1, 70, 71]
    let (ids, ending) = try run(text, count: 12)
    #expect(ending == .length)
    #expect(ids.count == 12)
    for id in ids {
      #expect(try likeliest(after: text) == id)
      text.append(id)
    }
  }

  @Test func theEndIsNotHandedOut() throws {
    let ids = try run([1, 70], count: 6).ids
    let index = try #require(ids.indices.last { ids.firstIndex(of: ids[$0]) == $0 })
    let (kept, ending) = try run([1, 70], count: 6, ends: [ids[index], 9999])
    #expect(ending == .end)
    #expect(kept == Array(ids[..<index]))
  }

  @Test func whoeverTakesTheTokensMayHaveEnough() throws {
    let (ids, ending) = try run([1, 70], count: 6, stopAfter: 2)
    #expect(ending == .interrupted)
    #expect(ids.count == 2)
  }

  @Test func aTextIsNotContinuedBeyondWhatTheModelWasTrainedOn() throws {
    // The token after the last one that the model reads is the last one it adds.
    let context = pass.model.configuration.contextLength
    let (ids, ending) = try run(Array(repeating: 70, count: context - 2), count: 10)
    #expect(ending == .context)
    #expect(ids.count == 3)
    expectError(.mismatch) { _ = try run(Array(repeating: 70, count: context + 1), count: 1) }
    expectError(.mismatch) { _ = try run([], count: 1) }
  }
}
