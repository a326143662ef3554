import WeightmillLLaMA
import WeightmillTensors
import WeightmillTokenization

/// Text on its way through the layers of two models in step: the one that is quantized, and what is written
/// of it by now.
final class ModelStreams {
  /// The windows that are learnt from.
  private let learnt: [TextWindows.Pass]
  private let store: PartStore
  /// The windows that are only judged by, and what they have: few, in memory.
  private let judged: [TextWindows.Pass]
  private var states: [(reference: ForwardPass.Between, written: ForwardPass.Between)] = []
  /// The layer whose stage the inputs belong to; behind the last, the input is the output matrix's.
  private(set) var layer = 0
  /// The stage.
  private(set) var stage = LayerStage.attention

  /// Looks up the tokens of a text.
  ///
  /// - Parameters:
  ///   - layout: The text, and how it is cut.
  ///   - reference: The model itself.
  ///   - written: What is written of it: the embeddings.
  ///   - path: The output.
  /// - Throws: `mismatch` for ids without embeddings; reading errors, and those of a file for what does not
  ///   fit into memory.
  init(
    _ layout: StreamLayout, reference: ForwardPass, written: ForwardPass, beside path: String
  ) throws(WeightmillError) {
    learnt = layout.windows.learnt.passes(ofAtMost: layout.tokensAtOnce)
    judged = layout.windows.judged.passes(ofAtMost: layout.tokensAtOnce)
    store = try PartStore(
      parts: learnt.count, slot: layout.slot, memory: layout.activationsInMemory, beside: path)
    func begin(_ pass: ForwardPass, _ part: TextWindows.Pass) throws(WeightmillError)
      -> ForwardPass.Between
    { try pass.begin(layer: 0, try pass.embed(part.tokens)) }
    for (index, part) in learnt.enumerated() {
      try store.put(try begin(reference, part), part: index, .reference)
      try store.put(try begin(written, part), part: index, .written)
    }
    for part in judged { states.append((try begin(reference, part), try begin(written, part))) }
  }

  /// Goes on to the next stage, by the matrices of this one.
  ///
  /// - Parameters:
  ///   - reference: The model itself.
  ///   - written: What is written of it: all matrices of this stage.
  ///   - cancellation: A way to stop.
  /// - Throws: Reading errors; `interrupted`.
  func advance(
    _ reference: ForwardPass, _ written: ForwardPass, until cancellation: Cancellation
  ) throws(WeightmillError) {
    for (index, part) in learnt.enumerated() {
      try cancellation.check(reference.model.catalogue.location, "learnt from")
      for (side, pass) in [(PartStore.Side.reference, reference), (.written, written)] {
        var state = try store.take(part: index, side)
        try advance(&state, pass, part.ranges)
        try store.put(state, part: index, side)
      }
    }
    for (index, part) in judged.enumerated() {
      try advance(&states[index].reference, reference, part.ranges)
      try advance(&states[index].written, written, part.ranges)
    }
    if stage == .down { layer += 1 }
    stage = LayerStage(rawValue: stage.rawValue + 1) ?? .attention
  }

  private func advance(
    _ state: inout ForwardPass.Between, _ pass: ForwardPass, _ windows: [Range<Int>]
  ) throws(WeightmillError) {
    try pass.advance(stage, layer: layer, &state, windows: windows)
    guard stage == .down else { return }
    if layer + 1 == pass.model.configuration.layerCount {
      state.input = try pass.normalized(state.hidden)
    } else {
      state = try pass.begin(layer: layer + 1, state.hidden)
    }
  }

  /// The moments of the stage's input over the windows that are learnt from.
  ///
  /// - Parameters:
  ///   - workers: The threads.
  ///   - observe: Sees the model's own inputs.
  /// - Returns: The moments; `nil` if there is no text.
  /// - Throws: Reading errors.
  func moments(
    _ workers: Workers, observe: (Activations) -> Void
  ) throws(WeightmillError) -> InputMoments? {
    var moments: InputMoments?
    for index in learnt.indices {
      let own = try store.state(part: index, .reference).input
      let sums = moments ?? InputMoments(size: own.columns, workers)
      sums.add(reference: own, written: try store.state(part: index, .written).input)
      observe(own)
      moments = sums
    }
    return moments
  }

  /// Shows the model's own inputs of the stage.
  ///
  /// - Parameter see: Sees those of one part of the text after the other.
  /// - Throws: Reading errors.
  func observe(_ see: (Activations) -> Void) throws(WeightmillError) {
    for index in learnt.indices { see(try store.state(part: index, .reference).input) }
  }

  /// The stage's input in the windows that are judged by.
  var judgedInputs: [MatrixFeedback.Judged] {
    states.map {
      .init(
        reference: PanelMatrix($0.reference.input), written: PanelMatrix($0.written.input))
    }
  }
}
