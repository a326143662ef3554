import WeightmillTensors

/// Texts that grow at their ends side by side: weights are read once for the new tokens of all of them.
///
/// The keys and values of earlier tokens are kept, so that each token goes through the model once. What
/// comes out of a text has the same bits as of a pass over the whole text, whatever grows beside it.
struct GrowingTexts: Sendable {
  private let pass: ForwardPass
  /// What the texts hold, by layer and text.
  private var layers: [[KeyValueCache]]
  /// The number of tokens of each text.
  private(set) var counts: [Int]

  /// Begins empty texts.
  ///
  /// - Parameters:
  ///   - pass: The model.
  ///   - count: How many texts.
  ///   - capacity: How many tokens are expected of each.
  init(_ pass: ForwardPass, count: Int, capacity: Int) {
    self.pass = pass
    let configuration = pass.model.configuration
    let empty = KeyValueCache(configuration, pass.kernels, capacity: capacity)
    layers = (0..<configuration.layerCount).map { _ in
      [KeyValueCache](repeating: empty, count: count)
    }
    counts = [Int](repeating: 0, count: count)
  }

  /// Adds tokens to some of the texts.
  ///
  /// - Parameter additions: Different texts, and the ids that each goes on with, at least one.
  /// - Returns: The residual streams of each text's last token: `[additions, hiddenSize]`.
  /// - Throws: `mismatch` for an id without an embedding; reading errors. The texts are then as they
  ///   were.
  mutating func extend(
    _ additions: [(text: Int, tokens: [Int])]
  ) throws(WeightmillError) -> Activations {
    var ranges: [Range<Int>] = []
    for (_, tokens) in additions {
      let first = ranges.last?.upperBound ?? 0
      ranges.append(first..<first + tokens.count)
    }
    do throws(WeightmillError) {
      var hidden = try pass.embed(additions.flatMap(\.tokens))
      for layer in layers.indices {
        try apply(layer, to: &hidden, additions.map(\.text), ranges)
      }
      for (text, tokens) in additions { counts[text] += tokens.count }
      return hidden.selecting(ranges.map { $0.upperBound - 1 })
    } catch {
      for (text, _) in additions { truncate(text, to: counts[text]) }
      throw error
    }
  }

  private mutating func apply(
    _ layer: Int, to hidden: inout Activations, _ texts: [Int], _ ranges: [Range<Int>]
  ) throws(WeightmillError) {
    var attended = zip(texts, ranges).map { text, range in
      AttendedText(tokens: range, cache: layers[layer][text].take())
    }
    defer {
      for (index, text) in texts.enumerated() { layers[layer][text] = attended[index].cache }
    }
    try pass.apply(layer: layer, to: &hidden, texts: &attended) { _, _ in }
  }

  /// The logits of the tokens that come next.
  ///
  /// - Parameter hidden: What `extend` returned.
  /// - Returns: `[additions, vocabularyRows]`.
  /// - Throws: Reading errors.
  func logits(after hidden: Activations) throws(WeightmillError) -> Activations {
    try pass.logits(
      rows: 0..<pass.model.configuration.vocabularyRows, of: pass.normalized(hidden))
  }

  /// Forgets all tokens of a text but the first.
  mutating func truncate(_ text: Int, to count: Int) {
    counts[text] = min(counts[text], count)
    for layer in layers.indices { layers[layer][text].truncate(to: count) }
  }
}
