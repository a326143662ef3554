import WeightmillLLaMA
import WeightmillTensors
import WeightmillTokenization

/// Text on its way through the layers of two models in step: the one that is quantized, and what is written
/// of it by now.
struct ModelStreams {
  /// Some windows of the text.
  struct Part {
    let windows: [Range<Int>]
    /// What the model itself computes.
    var reference: ForwardPass.Between
    /// What comes out of the layers that are written.
    var written: ForwardPass.Between
  }

  /// The windows that are learnt from.
  private(set) var learnt: [Part]
  /// The windows that are only judged on.
  private(set) var judged: [Part]
  /// The layer whose stage the inputs belong to.
  private(set) var layer = 0
  /// The stage.
  private(set) var stage = LayerStage.attention

  /// Looks up the tokens of a text.
  ///
  /// - Parameters:
  ///   - text: The windows.
  ///   - tokens: How many tokens go through the models together.
  ///   - reference: The model itself.
  ///   - written: What is written of it: the embeddings.
  /// - Throws: `mismatch` for ids without embeddings; reading errors.
  init(
    _ text: CalibrationWindows, tokens: Int, reference: ForwardPass, written: ForwardPass
  ) throws(WeightmillError) {
    func parts(_ windows: TextWindows) throws(WeightmillError) -> [Part] {
      var parts: [Part] = []
      for pass in windows.passes(ofAtMost: tokens) {
        parts.append(
          Part(
            windows: pass.ranges,
            reference: try reference.begin(layer: 0, try reference.embed(pass.tokens)),
            written: try written.begin(layer: 0, try written.embed(pass.tokens))))
      }
      return parts
    }
    learnt = try parts(text.learnt)
    judged = try parts(text.judged)
  }

  /// Goes on to the next stage, by the matrices of this one.
  ///
  /// - Parameters:
  ///   - reference: The model itself.
  ///   - written: What is written of it: all matrices of this stage.
  /// - Throws: Reading errors.
  mutating func advance(
    _ reference: ForwardPass, _ written: ForwardPass
  ) throws(WeightmillError) {
    let isLast = stage == .down && layer + 1 == reference.model.configuration.layerCount
    func step(_ parts: inout [Part]) throws(WeightmillError) {
      for index in parts.indices {
        let windows = parts[index].windows
        try reference.advance(stage, layer: layer, &parts[index].reference, windows: windows)
        try written.advance(stage, layer: layer, &parts[index].written, windows: windows)
        guard stage == .down else { continue }
        for (pass, path) in [(reference, \Part.reference), (written, \Part.written)] {
          let hidden = parts[index][keyPath: path].hidden
          if isLast {
            parts[index][keyPath: path].input = try pass.normalized(hidden)
          } else {
            parts[index][keyPath: path] = try pass.begin(layer: layer + 1, hidden)
          }
        }
      }
    }
    try step(&learnt)
    try step(&judged)
    if stage == .down { layer += 1 }
    stage = stage.next
  }
}

extension LayerStage {
  /// The stage that follows, in the next layer behind the last.
  fileprivate var next: LayerStage { LayerStage(rawValue: rawValue + 1) ?? .attention }
}

/// Windows of a text, some of them kept apart to judge by.
struct CalibrationWindows {
  /// The windows that moments are taken of.
  let learnt: TextWindows
  /// The windows that choose between what was learnt.
  let judged: TextWindows

  /// Keeps every eighth window apart, the last of each eight, but at most so many tokens.
  ///
  /// - Parameters:
  ///   - windows: All of them.
  ///   - most: How many tokens are judged by at most.
  init(_ windows: TextWindows, judgedByAtMost most: Int) {
    var (learnt, judged, tokens): ([[Int]], [[Int]], Int) = ([], [], 0)
    let share = max(1, windows.tokenCount / max(1, most))
    for (index, window) in windows.windows.enumerated() {
      let isTurn = index % max(8, share) == max(8, share) / 2
      if isTurn, tokens + window.count <= most || judged.isEmpty {
        judged.append(window)
        tokens += window.count
      } else {
        learnt.append(window)
      }
    }
    self.learnt = TextWindows(windows: learnt)
    self.judged = TextWindows(windows: judged)
  }
}
