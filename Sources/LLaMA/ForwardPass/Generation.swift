public import Tensors

/// A text that grows at its end, and what the model expects to come next.
public struct Generation: Sendable {
  private let pass: ForwardPass
  private var text: [Int] = []

  /// Begins with no text.
  ///
  /// - Parameter pass: The model.
  public init(_ pass: ForwardPass) { self.pass = pass }

  /// Adds tokens to the text.
  ///
  /// - Parameter tokens: Ids below the number of embedding rows, at least one.
  /// - Returns: The logits of the token after the last one, one for each row of the vocabulary.
  /// - Throws: `mismatch` for an id without a row; reading errors.
  public mutating func extend(with tokens: [Int]) throws(WeightmillError) -> [Float] {
    let longer = text + tokens
    let configuration = pass.model.configuration
    var hidden = try pass.embed(longer)
    for layer in 0..<configuration.layerCount {
      try pass.apply(layer: layer, to: &hidden, windows: [0..<longer.count])
    }
    var last = Activations(rows: 1, columns: hidden.columns)
    last.values = Array(hidden[longer.count - 1])
    let logits = try pass.logits(
      rows: 0..<configuration.vocabularyRows, of: pass.normalized(last))
    text = longer
    return logits.values
  }
}
