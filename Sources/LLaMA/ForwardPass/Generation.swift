package import WeightmillTensors

/// A text that grows at its end, and what the model expects to come next.
///
/// The keys and values of earlier tokens are kept, so that each token goes through the model once. The
/// logits have the same bits as those of a pass over the whole text.
package struct Generation: Sendable {
  /// How many tokens go through the model together.
  private static let tokensPerPass = 512

  private let pass: ForwardPass
  private var layers: [KeyValueCache]
  /// The number of tokens of the text.
  package private(set) var count = 0

  /// Begins with no text.
  ///
  /// - Parameter pass: The model.
  package init(_ pass: ForwardPass) {
    self.pass = pass
    let configuration = pass.model.configuration
    layers = (0..<configuration.layerCount).map { _ in
      KeyValueCache(configuration, pass.kernels, capacity: configuration.contextLength)
    }
  }

  /// Adds tokens to the text.
  ///
  /// - Parameter tokens: Ids below the number of embedding rows, at least one.
  /// - Returns: The logits of the token after the last one, one for each row of the vocabulary.
  /// - Throws: `mismatch` for an id without a row, and when the text would become longer than the
  ///   model's context; reading errors. The text is then as it was.
  package mutating func extend(with tokens: [Int]) throws(WeightmillError) -> [Float] {
    precondition(!tokens.isEmpty)
    let configuration = pass.model.configuration
    guard tokens.count <= configuration.contextLength - count else {
      throw WeightmillError(
        .mismatch, pass.model.catalogue.location,
        "was trained on texts of \(configuration.contextLength) tokens; "
          + "this one has \(count + tokens.count)", remedy: "give a shorter text")
    }
    do throws(WeightmillError) {
      var last = Activations(rows: 0, columns: configuration.hiddenSize, precision: pass.precision)
      for first in stride(from: 0, to: tokens.count, by: Self.tokensPerPass) {
        let part = tokens[first..<min(first + Self.tokensPerPass, tokens.count)]
        last = try run(Array(part)).selecting([part.count - 1])
      }
      let logits = try pass.logits(
        rows: 0..<configuration.vocabularyRows, of: pass.normalized(last))
      count += tokens.count
      return logits[0].map(Float.init)
    } catch {
      for layer in layers.indices { layers[layer].truncate(to: count) }
      throw error
    }
  }

  /// Sends new tokens through all layers.
  private mutating func run(_ tokens: [Int]) throws(WeightmillError) -> Activations {
    var hidden = try pass.embed(tokens)
    for layer in layers.indices {
      var texts = [AttendedText(tokens: 0..<tokens.count, cache: layers[layer].take())]
      defer { layers[layer] = texts[0].cache }
      try pass.apply(layer: layer, to: &hidden, texts: &texts) { _, _ in }
    }
    return hidden
  }
}
