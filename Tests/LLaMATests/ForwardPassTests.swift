import CWeightmillKernels
import Testing
import WeightmillLLaMA
import WeightmillModels
import WeightmillSafetensors
import WeightmillTensors
import WeightmillTestSupport

/// The forward pass agrees with transformers' float32 logits (`expected/logits.safetensors`).
struct ForwardPassTests {
  /// The largest absolute difference allowed in a logit.
  private static let logitBound: Float = 2e-3
  /// The largest mean KL divergence allowed, in nats.
  private static let divergenceBound = 2e-5
  /// The largest absolute difference allowed in a hidden state.
  private static let hiddenBound: Float = 1e-4

  private let expected: SafetensorsFile
  private let pass: ForwardPass

  init() throws {
    expected = try SafetensorsFile(path: Fixtures.miniZiya("expected/logits.safetensors"))
    let model = try ModelLoader.load(
      Fixtures.miniZiya("base-meta"), delta: Fixtures.miniZiya("delta"))
    pass = ForwardPass(model.llama, workers: Workers(threads: 2))
  }

  private func bytes(_ name: String) throws -> [UInt8] {
    let index = try #require(expected.tensors.firstIndex { $0.name == name })
    return try expected.bytes(rows: 0..<expected.tensors[index].shape.rows, ofTensor: index)
  }

  private func ids(_ prompt: Int) throws -> [Int] {
    let bytes = try bytes("prompt\(prompt).ids")
    return stride(from: 0, to: bytes.count, by: 4).map { Int(bytes[$0]) | Int(bytes[$0 + 1]) << 8 }
  }

  private func difference(_ activations: Activations, _ expected: [Float]) -> Float {
    zip(activations.allValues, expected).reduce(0) { max($0, abs($1.0 - $1.1)) }
  }

  @Test(arguments: 0..<4)
  func logitsAreThoseOfTransformers(prompt: Int) throws {
    let ids = try ids(prompt)
    let reference = floats(try bytes("prompt\(prompt).logits"))
    var hidden = try pass.embed(ids)
    for layer in 0..<pass.model.configuration.layerCount {
      try pass.apply(layer: layer, to: &hidden, windows: [0..<ids.count])
    }
    let logits = try pass.logits(rows: 0..<3072, of: pass.normalized(hidden))
    #expect(logits.allValues.count == reference.count)
    let worst = difference(logits, reference)
    #expect(worst <= Self.logitBound)
    let divergence = Divergence.mean(
      reference.map(Double.init), logits.allNumbers, vocabulary: 3072)
    #expect(divergence <= Self.divergenceBound)
    print("prompt \(prompt): largest logit difference \(worst), mean KL divergence \(divergence)")
  }

  @Test func eachLayersHiddenStateIsThatOfTransformers() throws {
    let ids = try ids(0)
    var hidden = try pass.embed(ids)
    #expect(difference(hidden, floats(try bytes("prompt0.hidden.0"))) == 0)
    let layers = pass.model.configuration.layerCount
    for layer in 0..<layers {
      try pass.apply(layer: layer, to: &hidden, windows: [0..<ids.count])
      let state = layer == layers - 1 ? try pass.normalized(hidden) : hidden
      let worst = difference(state, floats(try bytes("prompt0.hidden.\(layer + 1)")))
      #expect(worst <= Self.hiddenBound)
      print("layer \(layer): largest difference \(worst)")
    }
  }

  @Test func windowsDoNotSeeEachOther() throws {
    let (a, b) = (try ids(1), try ids(2))
    var together = try pass.embed(a + b)
    try pass.apply(layer: 0, to: &together, windows: [0..<a.count, a.count..<a.count + b.count])
    var alone = try pass.embed(b)
    try pass.apply(layer: 0, to: &alone, windows: [0..<b.count])
    #expect(together.allValues[(a.count * 256)...].elementsEqual(alone.allValues))
  }

  @Test(arguments: [Precision.single, .double], 0...2)
  func resultsDependNeitherOnThreadsNorOnInstructions(precision: Precision, level: Int) throws {
    try requireInstructions(level, available: Int(weightmill_forward_level()))
    let ids = try ids(0)
    let states = try [(2, 0), (1, level), (3, level)].map { threads, level in
      let pass = ForwardPass(
        pass.model, workers: Workers(threads: threads), precision: precision, level: level)
      var hidden = try pass.embed(ids)
      for layer in 0..<2 { try pass.apply(layer: layer, to: &hidden, windows: [0..<ids.count]) }
      return try pass.logits(rows: 5..<900, of: pass.normalized(hidden)).allBits
    }
    for state in states { #expect(state == states[0]) }
  }

  @Test(arguments: [1, 2, 7, 15, 16, 17])
  func aTokenHasTheSameBitsWhateverIsBesideIt(count: Int) throws {
    let ids = try ids(0)
    func logits(_ ids: [Int]) throws -> Activations {
      var hidden = try pass.embed(ids)
      for layer in 0..<2 { try pass.apply(layer: layer, to: &hidden, windows: [0..<ids.count]) }
      return try pass.logits(rows: 0..<3072, of: pass.normalized(hidden))
    }
    let all = try logits(ids + ids)
    #expect(try logits(Array(ids.prefix(count))).allBits == Array(all.allBits.prefix(count * 3072)))
  }

  @Test func aTokenWithoutARowIsAMismatch() {
    expectError(.mismatch) { _ = try pass.embed([3072]) }
    expectError(.mismatch) { _ = try pass.embed([-1]) }
  }
}
